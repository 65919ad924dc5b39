import type { TakeBackup, Taken, TakeRequest } from '@muster/backups';
import {
  type Config,
  type KnownTake,
  MusterError,
  newTakeId,
  parseConfig,
  scheduledTakeId,
} from '@muster/core';
import {
  consumeTakes,
  createBoardQueues,
  createConfigStore,
  createLeases,
  createTakeHistory,
  createTakeQueue,
  createTallies,
  createWorkerRegistry,
  openRedis,
  publicData,
  requestTake,
  type TakeConsumerOptions,
  type TakeJob,
  takeLease,
} from '@muster/queue';
import type { Logger } from '@muster/telemetry';
import { startWorker, type WorkerPorts } from '@muster/worker';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

const text = (overrun: string) => `
defaults: { kind: postgres, restore_only: true, connection: { uri: env:PLANTED } }
sources:
  - { slug: shop, backup: { type: dump, location: /b }, take: { cron: "0 0 * * *", overrun: ${overrun} } }
  - { slug: other, backup: { type: dump, location: /c }, take: {} }
`;
const configOf = (overrun: string) => {
  const parsed = parseConfig(text(overrun), { file: 'muster.yaml', baseDirectory: '/' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed;
};

let server: RedisServer;
let redis: ReturnType<typeof openRedis>;
let queues: ReturnType<typeof queuesOn>;
let hosts: { drain(): Promise<void> }[];
const queuesOn = (url: string) => ({
  takes: createTakeQueue(redis),
  takeHistory: createTakeHistory(redis),
  tallies: createTallies(redis),
  leases: createLeases(redis),
  configs: createConfigStore(redis, url),
  registry: createWorkerRegistry(redis),
});
beforeAll(async () => {
  server = await startRedis();
  redis = openRedis(server.url, 'commands');
});
beforeEach(async () => {
  await server.wipe();
  queues = queuesOn(server.url);
  hosts = [];
});
afterEach(async () => {
  await Promise.all(hosts.map((host) => host.drain()));
  await queues.takes.close();
});
afterAll(async () => {
  redis?.disconnect();
  await server?.close();
});

const enforce = async (overrun = 'skip'): Promise<Config> => {
  const { config, document } = configOf(overrun);
  const stored = { digest: config.configSha256, text: document, directory: '/' };
  await queues.configs.enforce(stored, { type: 'file' });
  return config;
};

/** Backups of a database that takes as long as the test says. */
function backups() {
  const made: string[] = [];
  const now = { running: 0, most: 0 };
  const gates: (() => void)[] = [];
  const given = { holds: false };
  const take: TakeBackup = async ({ takeId }: TakeRequest, { onProgress }, signal) => {
    onProgress({ phase: 'dump' });
    now.running += 1;
    now.most = Math.max(now.most, now.running);
    try {
      if (given.holds) {
        await new Promise<void>((resolve) => {
          gates.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      if (signal.aborted) throw new MusterError('cancelled', 'It was cancelled.');
      made.push(takeId);
      return { backupId: `${takeId}.dump`, sizeBytes: 1 } as Taken;
    } finally {
      now.running -= 1;
    }
  };
  const release = (): void => {
    given.holds = false;
    for (const open of gates.splice(0)) open();
  };
  return { take, made, now, given, release };
}

/** A worker of its own on this Redis, as on another host. */
async function host(name: string, take: TakeBackup, pool = 'default', graceMs = 10_000) {
  const logger: Logger = { info: () => {}, warn: () => {}, error: () => {}, child: () => logger };
  const idle = { ready: Promise.resolve(), close: async () => {} };
  const ports = {
    ...queues,
    consumeDrills: () => idle,
    consumeTakes: (options: TakeConsumerOptions) => consumeTakes(server.url, options),
    states: { onCancel: async () => ({ close: async () => {} }) },
    looks: { next: async () => undefined },
    capacity: async () => ({ hostId: name, hostName: name, memoryBytes: 1 }),
    takeBackup: () => take,
    findTaken: async () => undefined,
    prune: async () => 0,
    takeOutput: () => {},
    identity: { worker: name, host: name, version: '0' },
    logger,
    now: () => new Date(),
  } as unknown as WorkerPorts;
  const worker = startWorker({ pool, concurrency: 1, graceMs }, ports);
  hosts.push(worker);
  await worker.ready;
  return worker;
}

const jobOf = (config: Config, more: Partial<TakeJob> = {}): TakeJob => ({
  id: newTakeId(new Date()),
  source: 'shop',
  kind: 'postgres',
  pool: 'default',
  trigger: { kind: 'api' },
  config_sha256: config.configSha256,
  ...more,
});
const ask = (job: TakeJob, overrun: 'skip' | 'wait' = 'skip') =>
  requestTake({ ...queues, now: () => new Date() }, job, overrun);
const known = (job: TakeJob): Promise<KnownTake | undefined> => queues.takeHistory.get(job.source, job.id);
const becomes = (job: TakeJob, wanted: Partial<KnownTake>): Promise<void> =>
  eventually(`${job.id} is ${JSON.stringify(wanted)}`, async () => {
    const take = await known(job);
    return Object.entries(wanted).every(([key, value]) => take?.[key as keyof KnownTake] === value);
  });

describe('takes through the queue', () => {
  it('are made by a worker of their pool, and noted', async () => {
    const config = await enforce();
    const { take, made } = backups();
    await host('a', take);
    const job = jobOf(config);
    expect(await ask(job)).toBe('queued');
    await becomes(job, { outcome: 'taken', backup: `${job.id}.dump`, worker: 'a', tries: 1 });
    expect(made).toEqual([job.id]);
    expect([...(await queues.tallies.read())]).toEqual([['takes|taken,none,postgres|total', 1]]);
  });

  it('that are asked for twice, as by a tick after the clock was set back, are one backup', async () => {
    const config = await enforce();
    const { take, made } = backups();
    const due = new Date('2026-11-21T00:00:00.000Z');
    const trigger = { kind: 'schedule', schedule: 'default', scheduled_for: due.toISOString() } as const;
    const job = jobOf(config, { id: scheduledTakeId('shop', 'default', due), trigger });
    expect([await ask(job), await ask(job)]).toEqual(['queued', 'exists']);
    await host('a', take);
    await becomes(job, { outcome: 'taken' });
    expect(await ask(job)).toBe('over');
    expect(made).toEqual([job.id]);
  });

  it('of two hosts at once: one of a source at a time, and of another source beside it', async () => {
    const config = await enforce();
    const shop = backups();
    shop.given.holds = true;
    await host('a', shop.take);
    await host('b', shop.take, 'eu');
    const [first, second] = [jobOf(config), jobOf(config, { pool: 'eu' })];
    // Both got into their queues, as from two producers at once.
    await Promise.all([first, second].map((job) => queues.takes.add(job)));
    await eventually('one is left out', async () =>
      (await Promise.all([known(first), known(second)])).some((take) => take?.outcome === 'skipped'),
    );
    shop.release();
    await eventually('one is taken', () => shop.made.length === 1);
    expect(shop.now.most).toBe(1);
    shop.given.holds = true;
    const beside = jobOf(config, { source: 'other', pool: 'eu' });
    const again = jobOf(config);
    await Promise.all([ask(beside), ask(again)]);
    await eventually('both run', () => shop.now.running === 2);
    shop.release();
  });

  it('with overrun wait wait for the one that runs: one at the most, and those after it are left out', async () => {
    const config = await enforce('wait');
    const { take, made, now, given, release } = backups();
    given.holds = true;
    await host('a', take);
    await host('b', take, 'eu');
    const [first, second, third] = [jobOf(config), jobOf(config, { pool: 'eu' }), jobOf(config)];
    await ask(first, 'wait');
    await becomes(first, { state: 'running' });
    expect(await ask(second, 'wait')).toBe('queued');
    await becomes(second, { state: 'waiting' });
    expect(await ask(third, 'wait')).toBe('take_overrun');
    release();
    await becomes(second, { outcome: 'taken' });
    expect([made, now.most]).toEqual([[first.id, second.id], 1]);
    expect(await known(second)).toHaveProperty('waits_since');
    expect(await known(third)).toMatchObject({ outcome: 'skipped', reason: 'take_overrun' });
  });

  it('wait for one by hand, too; a holder that died loses the source', async () => {
    const config = await enforce('wait');
    const { take, made } = backups();
    const lease = await queues.leases.acquire(takeLease('shop'), newTakeId(new Date()));
    await host('a', take);
    const job = jobOf(config);
    await ask(job, 'wait');
    await becomes(job, { state: 'waiting' });
    expect(made).toEqual([]);
    // As 30 s after its holder was killed.
    await redis.pexpire(`muster:lease:${takeLease('shop')}`, 1);
    await becomes(job, { outcome: 'taken' });
    await lease?.release();
  });

  it('are left out while one waits for a worker, and say so', async () => {
    const config = await enforce();
    const [first, second] = [jobOf(config), jobOf(config)];
    expect([await ask(first), await ask(second)]).toEqual(['queued', 'take_waiting']);
    expect(await known(second)).toMatchObject({ outcome: 'skipped', reason: 'take_waiting' });
  });

  it('are given back by a worker that must stop, and made by another', async () => {
    const config = await enforce();
    const slow = backups();
    slow.given.holds = true;
    const first = await host('a', slow.take, 'default', 100);
    const job = jobOf(config);
    await ask(job);
    await becomes(job, { state: 'running', worker: 'a' });
    await first.drain();
    expect(await known(job)).toMatchObject({ state: 'queued', tries: 0 });
    const { take, made } = backups();
    await host('b', take);
    await becomes(job, { outcome: 'taken', worker: 'b' });
    expect([slow.made, made]).toEqual([[], [job.id]]);
  });

  it('may end within the grace of a worker that must stop', async () => {
    const config = await enforce();
    const { take, given, release } = backups();
    given.holds = true;
    const worker = await host('a', take);
    const job = jobOf(config);
    await ask(job);
    await becomes(job, { state: 'running' });
    const drained = worker.drain();
    await eventually('it takes nothing new', async () =>
      (await queues.registry.list()).some(({ worker: name, state }) => name === 'a' && state === 'draining'),
    );
    release();
    await drained;
    expect(await known(job)).toMatchObject({ outcome: 'taken' });
  });

  it('that got lost from their queue keep none that is due from being taken', async () => {
    const config = await enforce();
    const lost = jobOf(config);
    await ask(lost);
    const queue = new Queue('takes', { connection: redis, prefix: 'muster' });
    await queue.obliterate({ force: true });
    await queue.close();
    const later = { ...queues, now: () => new Date(Date.now() + 120_000) };
    expect(await requestTake(later, jobOf(config), 'skip')).toBe('queued');
    expect(await known(lost)).toMatchObject({ outcome: 'failed', reason: 'worker_lost' });
  });
});

describe('what is known of takes', () => {
  it('is of the newest fifty that ended, and of all that are under way', async () => {
    const note = async (state: KnownTake['state'], day: number): Promise<string> => {
      const id = newTakeId(new Date(Date.UTC(2026, 0, day)));
      const at = new Date(Date.UTC(2026, 0, day)).toISOString();
      const take = {
        id,
        trigger: { kind: 'api' },
        pool: 'p',
        due_at: at,
        asked_at: at,
        state,
        tries: 0,
      } as const;
      await queues.takeHistory.put('shop', take);
      return id;
    };
    const open = await note('running', 1);
    const ended: string[] = [];
    for (let day = 2; day < 62; day += 1) ended.push(await note('ended', day));
    const listed = (await queues.takeHistory.list(['shop', 'none'])).get('shop') ?? [];
    expect(listed.map(({ id }) => id)).toEqual([...ended.slice(-49).toReversed(), open]);
    expect(await queues.takeHistory.find(['none', 'shop'], open)).toMatchObject({ slug: 'shop' });
  });

  it('lies in the queue as references alone, for people to look at', async () => {
    const config = await enforce();
    const job = jobOf(config, { pool: 'db-host' });
    await ask(job);
    const board = createBoardQueues(redis);
    const shown = (await board.list()).find(({ queue }) => queue.name === 'takes-db-host');
    const found = await shown?.job(job.id);
    expect(publicData('takes', found?.data)).toEqual(job);
    expect(publicData('takes', { ...job, uri: 'PLANTED' })).toBeUndefined();
    await board.close();
  });
});
