import type { Backup } from '@muster/backups';
import {
  createPlan,
  lookSchema,
  MusterError,
  newDrillId,
  parseConfig,
  type RestorePoint,
} from '@muster/core';
import { expect, it } from 'vitest';
import type { LookPorts } from './drill-ports.js';
import { preflight } from './preflight.js';

const NOW = new Date('2026-11-20T03:00:00.000Z');
const never = new AbortController().signal;
const facts = { format: 'plain', major: 17, databases: [] };
const made = (id: string, hours: number, artefact: object = {}): Backup => ({
  id,
  artefact: { form: 'file', name: id, path: `/b/${id}`, sizeBytes: 5, ...artefact } as Backup['artefact'],
  location: `file:///b/${id}`,
  mtime: new Date(NOW.getTime() - hours * 3_600_000),
  createdAt: new Date(NOW.getTime() - hours * 3_600_000),
  createdAtFrom: 'mtime',
});

/** Where an image has everything. */
const host = {
  isolation: 'docker',
  inspect: async () => ({ isolation: 'docker', image: 'postgres:17', imageDigest: 'sha256:1', facts: '' }),
  prepare: () => Promise.reject(new Error('it would pull')),
  launch: () => Promise.reject(new Error('it would launch')),
  capacity: async () => ({ hostId: 'h', hostName: 'h', memoryBytes: 1_000 }),
};
const engine = {
  identify: async () => facts,
  fitOf: (_: unknown, base: unknown) => ({
    extensions: [{ name: 'hstore', ...(base !== undefined && { there: true }) }],
    ...(base !== undefined && { version: '17.6' }),
  }),
  admit: () => ({ user: '1:1' }),
};

const look = async (
  backups: readonly Backup[],
  {
    point = { kind: 'latest' },
    used = host,
    signal = never,
    companions = '',
  }: { point?: RestorePoint; used?: object; signal?: AbortSignal; companions?: string } = {},
) => {
  const text =
    'sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: /b }, restore_only: true, objectives: { rpo: 26h } COMPANIONS }]'.replace(
      'COMPANIONS',
      companions,
    );
  const parsed = parseConfig(text, { file: 'muster.yaml', baseDirectory: '/' });
  if (!parsed.ok) throw new Error('it has no faults');
  const { config } = parsed;
  const [source] = config.sources;
  if (source === undefined) throw new Error('there is a source');
  const plan = createPlan(config, source, {
    drillId: newDrillId(NOW),
    trigger: { kind: 'cli' },
    restorePoint: point,
  });
  const ports = {
    now: () => NOW,
    repository: () => ({ location: 'file:///b', list: async () => backups }),
    engineOf: () => engine,
    hostFor: async () => used,
    companion: ({ location }: { location: string }) => ({
      location: `file://${location}`,
      look: async ({ mostBytes }: { mostBytes: number }) => {
        if (location === '/gone') throw new MusterError('companion_missing', 'it is not there');
        return { sizeBytes: mostBytes, files: 2, copied: true };
      },
    }),
  } as unknown as LookPorts;
  const request = { plan, config, source, restorePoint: point };
  return lookSchema.parse(await preflight(ports, request, { host: 'here' }, signal));
};

it('tells all that is known before a drill, and launches nothing', async () => {
  expect(await look([made('b', 1), made('a', 30)], { point: { kind: 'oldest' } })).toEqual({
    at: NOW.toISOString(),
    host: 'here',
    outcome: 'run',
    restore_point: { kind: 'oldest', listed: 2 },
    backup: {
      id: 'a',
      size_bytes: 5,
      created_at: '2026-11-18T21:00:00.000Z',
      created_at_from: 'mtime',
      format: 'plain',
      location: 'file:///b/a',
      age_s: 108_000,
    },
    newest_backup: {
      id: 'b',
      created_at: '2026-11-20T02:00:00.000Z',
      created_at_from: 'mtime',
      age_s: 3_600,
    },
    objectives: { enforce: 'rpo', rpo_s: 93_600, rpo_met: true },
    scratch: {
      isolation: 'docker',
      data: 'memory',
      image: 'postgres:17',
      image_here: true,
      image_digest: 'sha256:1',
      engine: '17.6',
      room: { memory_bytes: 1_000 },
    },
    extensions: [{ name: 'hstore', there: true }],
    unknown: [],
  });
});

it('tells that the newest is too old for what is promised', async () => {
  expect(await look([made('a', 30)])).toMatchObject({
    outcome: 'fail',
    reason: 'rpo_missed',
    message: expect.stringContaining('see whether the job that makes backups still runs'),
    objectives: { rpo_met: false },
  });
});

it('pulls no image, and says that a drill will', async () => {
  const told = await look([made('a', 1)], { used: { ...host, inspect: async () => undefined } });
  expect(told).toMatchObject({
    outcome: 'run',
    scratch: { image: 'postgres:17', image_here: false },
    extensions: [{ name: 'hstore' }],
    unknown: [{ what: 'image', why: expect.stringContaining('docker pull postgres:17') }],
  });
});

it('fetches nothing, and refuses what a drill would not fetch', async () => {
  const remote = (sizeBytes: number) => made('a', 1, { form: 'remote', sizeBytes });
  const told = await look([remote(5)]);
  expect(told).toMatchObject({ outcome: 'run', backup: { id: 'a', size_bytes: 5 } });
  expect(told.unknown.map(({ what }) => what)).toEqual(['version', 'image', 'extensions']);
  expect(await look([remote(1e15)])).toMatchObject({ outcome: 'error', reason: 'scratch_disk_full' });
});

it('of what its repository has identified all is known before it is fetched', async () => {
  const told = await look([{ ...made('a', 1, { form: 'remote', sizeBytes: 5 }), facts }]);
  expect(told).toMatchObject({ outcome: 'run', scratch: { image: 'postgres:17', engine: '17.6' } });
  expect(told.unknown).toEqual([]);
});

it('that a host does not tell what it has keeps nothing back', async () => {
  const silent = {
    ...host,
    capacity: () => Promise.reject(new MusterError('launch_failed', 'it is silent')),
  };
  expect(await look([made('a', 1)], { used: silent })).toMatchObject({
    outcome: 'run',
    unknown: [{ what: 'room' }],
  });
});

it('ends where it is cancelled, and is no answer then', async () => {
  await expect(look([made('a', 1)], { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'cancelled',
  });
});

it('looks whether the companions are there, and reads none of them', async () => {
  const [backup] = [made('a', 1)];
  const told = await look([backup], {
    companions: ', companions: [{ from: /m, to: /opt/m }, { from: /n, to: /opt/n }]',
  });
  expect(told).toMatchObject({
    outcome: 'run',
    companions: [
      { to: '/opt/m', location: 'file:///m', files: 2 },
      // What the first takes is no longer free.
      { to: '/opt/n', size_bytes: 0 },
    ],
  });
  const gone = await look([backup], { companions: ', companions: [{ from: /gone, to: /opt/m }]' });
  expect(gone).toMatchObject({
    outcome: 'fail',
    reason: 'companion_missing',
    backup: { id: 'a', format: 'plain' },
  });
  expect(gone.companions).toEqual([{ to: '/opt/m', location: 'file:///gone' }]);
});
