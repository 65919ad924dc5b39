import {
  type Attempt,
  createPlan,
  MusterError,
  newDrillId,
  type Plan,
  parseConfig,
  type Reason,
  type Statement,
} from '@muster/core';
import type { ReceiptJob } from '@muster/queue';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deliver } from './deliver.js';
import { createRunningDrills } from './running-drills.js';
import type { WorkerPorts } from './worker-ports.js';

const YAML = `
sources:
  - slug: shop
    kind: postgres
    backup: { type: dump, location: /backups }
    checks: [c]
    schedules: [{ name: slow, cron: "0 3 * * *", overrun: wait }]
checks: [{ id: c, summary_sql: SELECT 1 AS n, expect: n == 1 }]
`;
const parsed = parseConfig(YAML, { file: 'muster.yaml', baseDirectory: '/' });
if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
const { config } = parsed;
const NOW = new Date('2026-11-20T03:00:00.000Z');
const HOUR_MS = 60 * 60_000;

const planOf = (trigger: Plan['trigger'] = { kind: 'cli' }): Plan => {
  const [source] = config.sources;
  if (source === undefined) throw new Error('there is a source');
  return createPlan(config, source, { drillId: newDrillId(NOW), trigger, restorePoint: { kind: 'latest' } });
};

const SIGNER = { keyId: 'k' } as Parameters<WorkerPorts['perform']>[0]['signer'];

const NO_TAKES = {
  consumeTakes: () => ({ ready: Promise.resolve(), close: async () => {} }),
  takeHistory: {} as WorkerPorts['takeHistory'],
  tallies: { add: async () => {} },
  takeBackup: () => () => Promise.reject(new Error('nobody takes')),
  findTaken: async () => undefined,
  prune: async () => ({ removed: 0, unproven: 0 }),
  takeOutput: () => {},
};

/** A worker whose surroundings are in memory; each test says what of them is different. */
function world() {
  const published: ReceiptJob[] = [];
  const noted: { attempt: number; outcome?: string; reason?: Reason | undefined }[] = [];
  const told: string[] = [];
  const released = vi.fn(async () => {});
  const given = {
    now: NOW,
    config: config as typeof config | undefined,
    attempts: [] as Attempt[],
    holds: false,
    cancelled: false,
    waitingSince: undefined as Date | undefined,
    lease: true,
    isolates: true,
    signs: true,
    signed: undefined as unknown,
    short: undefined as 'memory' | undefined,
    ended: { result: 'pass' } as { result: string; reason?: Reason },
    during: () => {},
  };
  const grace = new AbortController();
  const lock = new AbortController();
  const warned: object[] = [];
  const informed: object[] = [];
  const logger = {
    info: (message: string, fields = {}) => void informed.push({ message, ...fields }),
    warn: (message: string, fields = {}) => void warned.push({ message, ...fields }),
    error: () => {},
    child: () => logger,
  };
  const ports: WorkerPorts = {
    consumeDrills: () => ({ ready: Promise.resolve(), close: async () => {} }),
    configs: {} as WorkerPorts['configs'],
    states: {
      attempts: async () => given.attempts,
      beginAttempt: async (_id, attempt) => void noted.push({ attempt }),
      endAttempt: async (_id, attempt, { outcome, reason }) => void noted.push({ attempt, outcome, reason }),
      cancelRequested: async () => given.cancelled,
      requestCancel: async () => {},
      onCancel: async () => ({ close: async () => {} }),
      waiting: async () => undefined,
      waitsFor: async (_id, _why, now) => given.waitingSince ?? now,
      settle: async () => {},
    },
    events: {
      publish: async (_id, event) => void told.push(event.type),
      follow: async function* () {},
      underWay: async () => ({}),
      close: async () => {},
    },
    receipts: {
      publish: async (message) => void published.push(message),
      holds: async () => given.holds,
    },
    ...NO_TAKES,
    leases: {
      acquire: async () =>
        given.lease ? { lost: new AbortController().signal, release: released } : undefined,
      holder: async () => undefined,
    },
    reservations: {
      reserve: async () => (given.short === undefined ? { release: released } : { short: given.short }),
    },
    registry: { beat: async () => {}, leave: async () => {}, list: async () => [] },
    openSigner: async () => {
      if (!given.signs) throw new MusterError('key_unreadable', 'The signing key /k cannot be read.');
      return SIGNER;
    },
    perform: async ({ signer }) => {
      given.signed = signer;
      given.during();
      const statement = { predicate: given.ended } as unknown as Statement;
      return { statement, receipt: new TextEncoder().encode('{}') };
    },
    look: () => Promise.reject(new Error('nobody asked')),
    looks: { next: async () => undefined, tell: async () => {} },
    catalogue: () => Promise.reject(new Error('nobody asked')),
    catalogues: { next: async () => undefined, tell: async () => {} },
    removeCells: async () => {},
    capacity: async () => {
      if (!given.isolates) throw new MusterError('isolation_unavailable', 'no Docker daemon listens');
      return { hostId: 'h', hostName: 'host-1', memoryBytes: 1 };
    },
    identity: { worker: 'w', host: 'host-1', version: '0' },
    logger,
    now: () => given.now,
  };
  const context = {
    ports,
    running: createRunningDrills(ports, () => {}),
    configOf: async () => given.config,
    graceOver: grace.signal,
  };
  const run = (plan = planOf()) => deliver(context, { plan, attempt: 7 }, lock.signal);
  return {
    run,
    cancel: context.running.cancel,
    given,
    published,
    noted,
    told,
    warned,
    informed,
    released,
    grace,
    lock,
  };
}

const attempt = (outcome: Attempt['outcome']): Attempt => ({
  worker: 'w',
  started_at: NOW.toISOString(),
  outcome,
});

describe('a drill that is delivered', () => {
  let w: ReturnType<typeof world>;
  beforeEach(() => {
    w = world();
  });

  it('is tried, and its receipt published', async () => {
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'receipt', attempt: 7, bundle: '{}' }]);
    expect(w.released).toHaveBeenCalled();
    expect(w.given.signed).toBe(SIGNER);
  });

  it('is not tried again where its receipt is on its way', async () => {
    w.given.holds = true;
    expect(await w.run()).toEqual({ type: 'done' });
    expect([w.published, w.noted]).toEqual([[], []]);
  });

  it('and was cancelled is ended by the sink', async () => {
    w.given.cancelled = true;
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'unfinished', reason: 'cancelled' }]);
  });

  it('and cost three tries is ended by the sink; those given back do not count', async () => {
    w.given.attempts = [attempt('lost'), attempt('returned'), attempt('error'), attempt('lost')];
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'unfinished', reason: 'worker_lost' }]);
    const other = world();
    other.given.attempts = [attempt('lost'), attempt('returned'), attempt('error')];
    await other.run();
    expect(other.published).toMatchObject([{ type: 'receipt' }]);
  });

  it('and met a fault of the infrastructure is tried again 30 s and 2 min later, then it is what the receipt says', async () => {
    w.given.ended = { result: 'error', reason: 'launch_failed' };
    expect(await w.run()).toEqual({ type: 'later', afterMs: 30_000 });
    expect(w.noted).toEqual([{ attempt: 7 }, { attempt: 7, outcome: 'error', reason: 'launch_failed' }]);
    w.given.attempts = [attempt('error')];
    expect(await w.run()).toEqual({ type: 'later', afterMs: 120_000 });
    expect(w.published).toEqual([]);
    w.given.attempts = [attempt('error'), attempt('error')];
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'receipt' }]);
  });

  it('and whose backup is bad is never tried again', async () => {
    w.given.ended = { result: 'fail', reason: 'corrupt' };
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'receipt' }]);
  });

  it('and for which there is no room is left for others, with the reason, and ended after a day', async () => {
    w.given.short = 'memory';
    expect(await w.run()).toEqual({ type: 'later', afterMs: 5_000 });
    expect([w.told, w.noted, w.published]).toEqual([['waiting'], [], []]);
    w.given.waitingSince = new Date(NOW.getTime() - 24 * HOUR_MS);
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'unfinished', reason: 'no_capacity' }]);
  });

  it('and comes while Docker does not answer waits for it, and uses up no try', async () => {
    w.given.isolates = false;
    expect(await w.run()).toEqual({ type: 'later', afterMs: 5_000 });
    expect([w.told, w.noted, w.published]).toEqual([['waiting'], [], []]);
  });

  it('and comes to a worker that cannot sign is left for others, with the reason in its log, and uses up no try', async () => {
    w.given.signs = false;
    expect(await w.run()).toEqual({ type: 'later', afterMs: 5_000 });
    expect([w.told, w.noted, w.published]).toEqual([['waiting'], [], []]);
    expect(w.warned).toMatchObject([
      { message: 'drill waits', detail: 'The signing key /k cannot be read.' },
    ]);
    w.given.signs = true;
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'receipt' }]);
  });

  it('and whose schedule lets its runs wait, waits for the one before it, however long', async () => {
    w.given.lease = false;
    w.given.waitingSince = new Date(NOW.getTime() - 100 * HOUR_MS);
    const trigger = { kind: 'schedule', schedule: 'slow', scheduled_for: NOW.toISOString() } as const;
    expect(await w.run(planOf(trigger))).toEqual({ type: 'later', afterMs: 2_000 });
    expect(w.published).toEqual([]);
  });

  it('and whose configuration is not in Redis waits for it for ten minutes', async () => {
    w.given.config = undefined;
    expect(await w.run()).toEqual({ type: 'later', afterMs: 5_000 });
    w.given.waitingSince = new Date(NOW.getTime() - 10 * 60_000);
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'unfinished', reason: 'config_unavailable' }]);
  });

  it('and whose lock was lost says nothing, and lets go of what it held', async () => {
    w.given.during = () => w.lock.abort();
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toEqual([]);
    expect(w.released).toHaveBeenCalled();
  });

  it('and is running when the grace time is over is given back', async () => {
    w.given.during = () => w.grace.abort();
    w.given.ended = { result: 'error', reason: 'cancelled' };
    expect(await w.run()).toEqual({ type: 'later', afterMs: 0 });
    expect(w.noted.at(-1)).toMatchObject({ outcome: 'returned' });
    const [logged] = w.informed;
    expect(logged).toMatchObject({ message: 'drill given back', attempt: 1 });
    expect(logged).not.toHaveProperty('result');
    expect(w.published).toEqual([]);
  });

  it('and comes to no receipt is tried three times, and ended by the sink', async () => {
    w.given.during = () => {
      throw new Error('nobody foresaw it');
    };
    expect(await w.run()).toEqual({ type: 'later', afterMs: 30_000 });
    const noted = { attempt: 7, outcome: 'error', reason: 'internal_error' } as const;
    expect([w.noted, w.published]).toEqual([[{ attempt: 7 }, noted], []]);
    const failed = { ...attempt('error'), reason: 'internal_error' } as const;
    w.given.attempts = [failed, failed];
    expect(await w.run()).toEqual({ type: 'later', afterMs: 0 });
    w.given.attempts = [failed, failed, failed, attempt('returned')];
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'unfinished', reason: 'internal_error' }]);
  });

  it('and is cancelled while it meets a fault of the infrastructure does not wait for its next try', async () => {
    const plan = planOf();
    w.given.during = () => w.cancel(plan.drill_id);
    w.given.ended = { result: 'error', reason: 'launch_failed' };
    expect(await w.run(plan)).toEqual({ type: 'later', afterMs: 0 });
    w.given.cancelled = true;
    expect(await w.run(plan)).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'unfinished', reason: 'cancelled' }]);
  });

  it('and had come to its verdict when the grace time was over keeps it', async () => {
    w.given.during = () => w.grace.abort();
    expect(await w.run()).toEqual({ type: 'done' });
    expect(w.published).toMatchObject([{ type: 'receipt' }]);
  });
});
