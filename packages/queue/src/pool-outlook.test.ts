import { expect, it } from 'vitest';
import { type OutlookPorts, poolOutlook } from './pool-outlook.js';
import type { Heartbeat } from './worker-registry.js';

const at = '2026-11-20T12:00:00.000Z';
const worker = (name: string, more: Partial<Heartbeat> = {}): Heartbeat => ({
  worker: name,
  host: `host-${name}`,
  version: '0',
  pool: 'eu',
  concurrency: 1,
  state: 'ready',
  drills: [],
  capacity: { host_id: name, memory_bytes: 1_000 },
  started_at: at,
  at,
  ...more,
});
const busy = { drills: [{ drill_id: 'drl_x', source: 'other', since: at }] };
const scratch = { cpus: 1, memoryBytes: 10, diskBytes: 10, pids: 10 };

/** @param full - hosts that have no memory left. */
const outlook = async (
  workers: readonly Heartbeat[],
  {
    full = [],
    held = false,
    live = false,
    runs = false,
  }: { full?: string[]; held?: boolean; live?: boolean; runs?: boolean } = {},
) => {
  const plan = { drill_id: 'drl_y', source: { slug: 'shop' }, pool: 'eu' };
  const ports = {
    drills: { list: async () => (runs ? [{ plan, state: 'active' }] : []), isHeld: async () => held },
    states: { waiting: async () => undefined },
    receipts: { list: async () => [] },
    quarantined: { list: async () => [] },
    registry: { list: async () => workers },
    services: {},
    reservations: {
      shortage: async (_: unknown, { hostId }: { hostId: string }) =>
        full.includes(hostId) ? 'memory' : undefined,
    },
  } as unknown as OutlookPorts;
  const backup = live
    ? ({ type: 'live' } as const)
    : ({ type: 'dump', place: { type: 'directory', location: '/' } } as const);
  return await poolOutlook(ports, { slug: 'shop', pool: 'eu', scratch, backup });
};

it('tells the workers of the pool, and what each has', async () => {
  const told = await outlook([worker('a'), worker('b'), worker('c', { pool: 'us' })], { full: ['b'] });
  expect(told).toEqual({
    pool: 'eu',
    open: 0,
    workers: [
      { worker: 'a', host: 'host-a', state: 'ready', free: true, room: { memory_bytes: 1_000 } },
      {
        worker: 'b',
        host: 'host-b',
        state: 'ready',
        free: true,
        room: { memory_bytes: 1_000 },
        short: 'memory',
      },
    ],
  });
});

it.each<[waits: string, Parameters<typeof outlook>]>([
  [
    'a worker of the pool eu (none serves it now)',
    [[worker('a', { pool: 'us' }), worker('b', { state: 'draining' })]],
  ],
  ['room: memory on host-a', [[worker('a')], { full: ['a'] }]],
  ['a free worker of the pool eu', [[worker('a', busy), worker('b')], { full: ['b'] }]],
  ['the queue of the pool eu (it is paused)', [[worker('a')], { held: true }]],
  [
    'the drill of this source that runs: a live source has one at a time',
    [[worker('a')], { live: true, runs: true }],
  ],
])('tells what a drill would wait for: %s', async (waits, given) => {
  expect((await outlook(...given)).waits_for).toBe(waits);
});

it('waits for nothing where another drill of the source runs, and a worker is free', async () => {
  expect(await outlook([worker('a')], { runs: true })).toMatchObject({ open: 1 });
  expect((await outlook([worker('a')], { runs: true })).waits_for).toBeUndefined();
});
