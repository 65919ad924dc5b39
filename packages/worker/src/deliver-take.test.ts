import type { Taken } from '@muster/backups';
import {
  type Config,
  type ErrorCode,
  isMusterError,
  type KnownTake,
  MusterError,
  newTakeId,
  parseConfig,
  sha256,
} from '@muster/core';
import type { TakeJob } from '@muster/queue';
import { describe, expect, it } from 'vitest';
import { deliverTake } from './deliver-take.js';
import type { TakingPorts } from './worker-ports.js';

const configOf = (overrun: string): Config => {
  const text = `sources: [{ slug: shop, kind: postgres, connection: { uri: env:A }, restore_only: true,
    backup: { type: dump, location: /backups }, take: { overrun: ${overrun}, limit: 1h, retain: { count: 2 } } }]`;
  const parsed = parseConfig(text, { file: 'm.yaml', baseDirectory: '/' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.config;
};
const NOW = new Date('2026-11-21T12:00:00.000Z');
const job: TakeJob = {
  id: newTakeId(NOW),
  source: 'shop',
  kind: 'postgres',
  pool: 'default',
  trigger: { kind: 'api', requested_by: 'ci' },
  config_sha256: sha256(''),
};

/** A worker whose surroundings are in memory; each test says what of them is different. */
function world(overrun = 'skip') {
  const given = {
    now: NOW,
    config: configOf(overrun) as Config | undefined,
    holder: undefined as string | undefined,
    published: undefined as string | undefined,
    fault: undefined as ErrorCode | undefined,
    pruneFails: false,
    unproven: 0,
    during: () => {},
  };
  const history = new Map<string, KnownTake>();
  const did: string[] = [];
  const said: string[] = [];
  const grace = new AbortController();
  const lock = new AbortController();
  const lease = new AbortController();
  const say = (message: string): void => void said.push(message);
  const logger: TakingPorts['logger'] = { info: say, warn: say, error: say, child: () => logger };
  const ports: TakingPorts = {
    consumeTakes: () => ({ ready: Promise.resolve(), close: async () => {} }),
    takeHistory: {
      begin: async () => true,
      put: async (_slug, take) => void history.set(take.id, take),
      get: async (_slug, id) => history.get(id),
      list: async () => new Map(),
      find: async () => undefined,
    },
    tallies: { add: async (sums) => void did.push(...sums.keys()) },
    leases: {
      acquire: async (_name, holder) => {
        if (given.holder !== undefined) return undefined;
        given.holder = holder;
        const release = async (): Promise<void> => {
          given.holder = undefined;
        };
        return { lost: lease.signal, release };
      },
      holder: async () => given.holder,
    },
    takeBackup:
      () =>
      async ({ isAlone }, { onProgress }, signal) => {
        did.push(isAlone ? 'take' : 'take of a source that others may take, too');
        onProgress({ phase: 'dump' });
        given.during();
        if (signal.aborted) {
          const why: unknown = signal.reason;
          throw isMusterError(why) ? why : new MusterError('cancelled', 'cancelled');
        }
        if (given.fault !== undefined) throw new MusterError(given.fault, 'a fault');
        return { backupId: 'shop_1.dump', sizeBytes: 7 } as Taken;
      },
    findTaken: async () =>
      given.published === undefined ? undefined : { backupId: given.published, sizeBytes: 5 },
    prune: async () => {
      did.push(`prune while ${history.get(job.id)?.state}, ${given.holder ?? 'nobody'} holds the source`);
      if (given.pruneFails) throw new Error('no');
      return { removed: 0, unproven: given.unproven };
    },
    takeOutput: () => {},
    identity: { worker: 'w' },
    logger,
    now: () => given.now,
  };
  const context = { ports, configOf: async () => given.config, onChange: () => {}, graceOver: grace.signal };
  return {
    given,
    did,
    said,
    grace,
    lock,
    lease,
    known: () => history.get(job.id),
    run: () => deliverTake(context, job, lock.signal),
  };
}

const LATER = { type: 'later', afterMs: 2_000 };
const DONE = { type: 'done' };

describe('a take', () => {
  it('is noted with its backup, and what is due to go goes when its source is free', async () => {
    const { run, known, did } = world();
    expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({
      state: 'ended',
      outcome: 'taken',
      backup: 'shop_1.dump',
      bytes: 7,
      tries: 1,
    });
    expect(did).toEqual([
      'take',
      'takes|taken,none,postgres|total',
      'prune while ended, nobody holds the source',
    ]);
    expect(await run()).toEqual(DONE);
    expect(did).toHaveLength(3);
  });

  it('is taken though nothing could be pruned', async () => {
    const { run, known, given, said } = world();
    given.pruneFails = true;
    expect(await run()).toEqual(DONE);
    expect(known()?.outcome).toBe('taken');
    expect(said).toContain('what is due to go could not be pruned');
  });

  it('says that nothing could be pruned where no backup has passed a drill, and nothing where one has', async () => {
    const stays = 'backups that are due to go stay: none that is there has passed a drill';
    const [some, none] = [world(), world()];
    some.given.unproven = 3;
    await Promise.all([some.run(), none.run()]);
    expect(some.said.filter((message) => message === stays)).toHaveLength(1);
    expect(none.said).not.toContain(stays);
  });

  it('is tried three times where a fault may pass, 30 s and 2 min apart', async () => {
    const { run, known, given } = world();
    given.fault = 'dump_failed';
    expect(await run()).toEqual({ type: 'later', afterMs: 30_000 });
    expect(known()).toMatchObject({ state: 'waiting', reason: 'dump_failed', tries: 1 });
    expect(await run()).toEqual({ type: 'later', afterMs: 120_000 });
    expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({ state: 'ended', outcome: 'failed', reason: 'dump_failed', tries: 3 });
  });

  it('is over at once where another try would meet the same', async () => {
    const { run, known, given } = world();
    given.fault = 'credentials_refused';
    expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({ outcome: 'failed', reason: 'credentials_refused', tries: 1 });
  });

  it('whose worker died after it was published is that backup, and no second one is made', async () => {
    const { run, known, given, did } = world();
    const killed = new Error('killed');
    given.during = () => {
      throw killed;
    };
    await run();
    given.during = () => {};
    given.published = 'shop_0.dump';
    expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({ outcome: 'taken', backup: 'shop_0.dump' });
    expect(did.filter((one) => one === 'take')).toHaveLength(1);
  });

  it('whose workers died three times ends so', async () => {
    const { run, known, given, lock } = world();
    given.during = () => lock.abort();
    for (let tries = 0; tries < 3; tries += 1) expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({ state: 'running', tries: 3 });
    await run();
    expect(known()).toMatchObject({ outcome: 'failed', reason: 'worker_lost' });
  });

  it('whose lease is lost stops, and is tried again', async () => {
    const { run, known, given, lease } = world();
    given.during = () => lease.abort(new MusterError('lease_lost', 'lost'));
    expect(await run()).toEqual({ type: 'later', afterMs: 30_000 });
    expect(known()).toMatchObject({ state: 'waiting', reason: 'lease_lost', tries: 1 });
  });

  it('is given back when its worker must stop, and has used up no try', async () => {
    const { run, known, given, grace } = world();
    given.during = () => grace.abort();
    expect(await run()).toEqual({ type: 'later', afterMs: 0 });
    expect(known()).toMatchObject({ state: 'queued', tries: 0 });
    expect(given.holder).toBeUndefined();
  });

  it('waits for its configuration ten minutes, and no longer', async () => {
    const { run, known, given } = world();
    given.config = undefined;
    expect(await run()).toEqual(LATER);
    given.config = { ...configOf('skip'), sources: [] };
    expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({ outcome: 'failed', reason: 'config_unavailable' });
  });
});

describe('while another take of the source runs', () => {
  it('a take is left out with overrun skip, and that is noted', async () => {
    const { run, known, given, did } = world('skip');
    given.holder = newTakeId(NOW);
    expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({ outcome: 'skipped', reason: 'take_overrun', tries: 0 });
    expect(did).toEqual(['takes|skipped,take_overrun,postgres|total']);
  });

  it('it waits with overrun wait, until its limit', async () => {
    const { run, known, given } = world('wait');
    given.holder = newTakeId(NOW);
    expect(await run()).toEqual(LATER);
    expect(known()).toMatchObject({ state: 'waiting', waits_since: NOW.toISOString() });
    given.now = new Date(NOW.getTime() + 59 * 60_000);
    expect(await run()).toEqual(LATER);
    given.now = new Date(NOW.getTime() + 60 * 60_000);
    expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({ outcome: 'skipped', reason: 'take_overrun' });
  });

  it('it runs when that is over', async () => {
    const { run, known, given } = world('wait');
    given.holder = newTakeId(NOW);
    await run();
    given.holder = undefined;
    expect(await run()).toEqual(DONE);
    expect(known()).toMatchObject({ outcome: 'taken', waits_since: NOW.toISOString() });
  });

  it('a try of its own that died is waited for, and no reason to leave it out', async () => {
    const { run, known, given } = world('skip');
    given.holder = `${job.id}/other-worker`;
    expect(await run()).toEqual(LATER);
    expect(known()).toBeUndefined();
  });
});
