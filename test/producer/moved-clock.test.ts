import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { drillTime, parseConfig, sha256 } from '@muster/core';
import { createDirectoryStore, putPlan } from '@muster/evidence';
import { type ConfigFile, type RunningProducer, startProducer } from '@muster/producer';
import {
  consumeDrills,
  consumeTicks,
  createConfigStore,
  createDrillEvents,
  createDrillQueue,
  createDrillStates,
  createQuarantinedDrills,
  createReceiptQueue,
  createSchedules,
  createTakeHistory,
  createTakeQueue,
  createTallies,
  type Disposition,
  openRedis,
} from '@muster/queue';
import { createLogger } from '@muster/telemetry';
import { Queue } from 'bullmq';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { samplePlan } from '../support/sample-plan.ts';

const hourly = (slug: string, cron = '0 * * * *') =>
  `  - { slug: ${slug}, kind: postgres, backup: { type: dump, location: /b }, restore_only: true, schedule: "${cron}" }\n`;
const at = (time: string): Date => new Date(`2026-11-20T${time}.000Z`);

/** Producers on a real Redis and a real evidence store, by a clock that the test sets. */
describe('schedules', () => {
  let server: RedisServer;
  let folder: string;
  let redis: ReturnType<typeof openRedis>;
  let queues: ReturnType<typeof queuesOn>;
  let text: string;
  let producers: RunningProducer[];

  const queuesOn = (url: string) => ({
    drills: createDrillQueue(redis),
    receipts: createReceiptQueue(redis),
    quarantined: createQuarantinedDrills(redis),
    states: createDrillStates(redis, url),
    events: createDrillEvents(redis, url),
    configs: createConfigStore(redis, url),
    schedules: createSchedules(redis),
    takes: createTakeQueue(redis),
    takeHistory: createTakeHistory(redis),
    tallies: createTallies(redis),
  });
  const read = (yaml: string) => {
    const parsed = parseConfig(yaml, { file: 'muster.yaml', baseDirectory: '/' });
    if (!parsed.ok) return parsed;
    const { config, document } = parsed;
    return {
      ok: true as const,
      read: { config, document: { digest: config.configSha256, text: document, directory: '/' } },
    };
  };
  const file: ConfigFile = {
    path: 'muster.yaml',
    digest: async () => sha256(text),
    read: async () => ({ fileDigest: sha256(text), ...read(text) }),
    onChange: () => ({ close: () => {} }),
  };
  const start = async (key = 'shop/default'): Promise<RunningProducer> => {
    const producer = startProducer(
      {
        ...queues,
        file,
        parse: (document) => read(document.text),
        consumeTicks: (options) => consumeTicks(server.url, options),
        openStore: () => createDirectoryStore(join(folder, 'evidence')),
        logger: createLogger({ service: 'producer', level: 'silent', pretty: false }),
        now: () => new Date(),
      },
      { lookMs: 200, reconcileMs: 200 },
    );
    producers.push(producer);
    await producer.ready;
    await eventually('it is accounted for', async () => (await queues.schedules.accounted()).has(key));
    return producer;
  };
  /** Due times of the plans in the evidence store. */
  const planned = async (): Promise<readonly string[]> => {
    const times: string[] = [];
    const store = createDirectoryStore(join(folder, 'evidence'));
    for await (const key of store.list('plans/', AbortSignal.timeout(10_000))) {
      times.push(drillTime(basename(key, '.json')).toISOString().slice(11, 16));
    }
    return times.sort();
  };
  const queued = async (): Promise<readonly string[]> =>
    (await queues.drills.list())
      .map(({ plan }) => drillTime(plan.drill_id).toISOString().slice(11, 16))
      .sort();
  /** What was published to the sink, which does not run. */
  const published = async (): Promise<readonly string[]> => {
    const queue = new Queue('receipts', { connection: redis, prefix: 'muster' });
    const jobs = await queue.getJobs(['waiting', 'delayed', 'active']);
    await queue.close();
    return jobs.map(
      ({ data }) => `${drillTime(data.plan.drill_id).toISOString().slice(11, 16)} ${data.reason}`,
    );
  };

  beforeEach(async () => {
    server = await startRedis();
    folder = await mkdtemp(join(tmpdir(), 'muster-producer-'));
    redis = openRedis(server.url, 'commands');
    queues = queuesOn(server.url);
    producers = [];
    text = `sources:\n${hourly('shop')}`;
    vi.useFakeTimers({ toFake: ['Date'], now: at('02:30:00') });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all(producers.map((producer) => producer.close()));
    await Promise.all(
      [queues.drills, queues.receipts, queues.schedules, queues.takes].map((queue) => queue.close()),
    );
    redis.disconnect();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('that were due twice while no producer ran: the first is a late drill, the second is missed', async () => {
    await (await start()).close();
    vi.setSystemTime(at('04:30:00'));
    await start();
    await vi.waitFor(async () => expect(await published()).toEqual(['04:00 missed']), 20_000);
    expect(await queued()).toEqual(['03:00']);
    expect(await planned()).toEqual(['03:00', '04:00']);
  });

  it('of takes that were due while no producer ran: one late take, and one more when it is due again', async () => {
    text = text.replace(
      'schedule: "0 * * * *"',
      'connection: { uri: env:A }, take: { cron: "0 * * * *", overrun: wait }',
    );
    const takes = async () =>
      ((await queues.takeHistory.list(['shop'])).get('shop') ?? []).map(
        ({ trigger, state }) => `${trigger.scheduled_for?.slice(11, 16)} ${state}`,
      );
    await (await start('shop/take.default')).close();
    vi.setSystemTime(at('08:30:00'));
    const producer = await start('shop/take.default');
    await vi.waitFor(async () => expect(await takes()).toEqual(['03:00 queued']), 20_000);
    // The one before waits still, for there is no worker.
    vi.setSystemTime(at('09:00:05'));
    await vi.waitFor(async () => expect(await takes()).toEqual(['09:00 ended', '03:00 queued']), 20_000);
    vi.setSystemTime(at('08:00:05'));
    await producer.reload();
    vi.setSystemTime(at('09:01:05'));
    await producer.reload();
    expect(await takes()).toHaveLength(2);
  });

  it('of takes whose tick got lost in Redis ask for one, late', async () => {
    text = text.replace('schedule: "0 * * * *"', 'connection: { uri: env:A }, take: { cron: "0 * * * *" }');
    const producer = await start('shop/take.default');
    const ticks = new Queue('ticks', { connection: redis, prefix: 'muster' });
    for (const job of await ticks.getDelayed()) await redis.del(`muster:ticks:${job.id}`);
    vi.setSystemTime(at('05:30:00'));
    const due = async () =>
      ((await queues.takeHistory.list(['shop'])).get('shop') ?? []).map(({ due_at: time }) => time);
    await vi.waitFor(async () => expect(await due()).toEqual([at('03:00:00').toISOString()]), 20_000);
    await ticks.close();
    await producer.close();
  });

  it('of two producers at once ask for one drill each time', async () => {
    await Promise.all([start(), start()]);
    vi.setSystemTime(at('03:00:05'));
    await vi.waitFor(async () => expect(await queued()).toEqual(['03:00']), 20_000);
    vi.setSystemTime(at('04:00:05'));
    // The run before it waits still, and the schedule leaves the next one out.
    await vi.waitFor(async () => expect(await published()).toEqual(['04:00 overrun_skipped']), 20_000);
    expect(await queued()).toEqual(['03:00']);
    expect(await planned()).toEqual(['03:00', '04:00']);
  });

  it('that change while their run is due and not yet taken lose nothing', async () => {
    const producer = await start();
    vi.setSystemTime(at('03:00:05'));
    text = `sources:\n${hourly('shop', '30 * * * *')}`;
    expect(await producer.reload()).toMatchObject({ type: 'enforced' });
    expect(await queued()).toEqual(['03:00']);
    vi.setSystemTime(at('03:30:05'));
    await vi.waitFor(async () => expect(await planned()).toEqual(['03:00', '03:30']), 20_000);
  });

  it('that are due while the evidence store cannot be written to ask for their drill when it can', async () => {
    const plans = join(folder, 'evidence', 'plans');
    await mkdir(join(folder, 'evidence'), { recursive: true });
    await start();
    await writeFile(plans, 'in the way');
    vi.setSystemTime(at('03:00:05'));
    const ticks = new Queue('ticks', { connection: redis, prefix: 'muster' });
    const triedAgain = async () => (await ticks.getDelayed()).some(({ attemptsMade }) => attemptsMade > 0);
    await eventually('the tick is to come again', triedAgain);
    await ticks.close();
    expect(await queued()).toEqual([]);
    await rm(plans);
    vi.setSystemTime(at('03:01:00'));
    await vi.waitFor(async () => expect(await queued()).toEqual(['03:00']), 20_000);
    expect([await planned(), await published()]).toEqual([['03:00'], []]);
  });

  it('of a configuration that was pushed stay until the file changes, and a faulty file changes nothing', async () => {
    const producer = await start();
    const other = read(`sources:\n${hourly('shop', '15 * * * *')}`);
    if (!other.ok) throw new Error('it has no faults');
    const pushed = await queues.configs.push(other.read.document, AbortSignal.timeout(10_000));
    expect(pushed).toEqual({ type: 'accepted', digest: other.read.document.digest });
    const inForce = async () => (await queues.configs.inForce())?.digest;
    await producer.reload();
    expect(await inForce()).toBe(other.read.document.digest);
    text = 'sources: 7';
    await producer.reload();
    expect(await inForce()).toBe(other.read.document.digest);
    text = `sources:\n${hourly('shop', '45 * * * *')}`;
    await producer.reload();
    expect((await queues.configs.inForce())?.origin).toEqual({ type: 'file' });
    vi.setSystemTime(at('02:45:05'));
    await vi.waitFor(async () => expect(await queued()).toEqual(['02:45']), 20_000);
  });

  it('are all there again after Redis was wiped, and ask for what is due', async () => {
    await start();
    await redis.flushall();
    await eventually('it is accounted for', async () =>
      (await queues.schedules.accounted()).has('shop/default'),
    );
    vi.setSystemTime(at('03:00:05'));
    await vi.waitFor(async () => expect(await queued()).toEqual(['03:00']), 20_000);
    expect(await planned()).toEqual(['03:00']);
  });

  it('that ask for a drill of a pool without a worker: after a day it has a receipt, and its place is free', async () => {
    text = `sources:\n${hourly('shop', '0 0 1 1 *')}`;
    await start();
    const key = { unlessRunning: 'shop/nightly' };
    await queues.drills.add(samplePlan('nobody'), key);
    vi.setSystemTime(new Date('2026-11-21T02:29:00.000Z'));
    await (await start()).reload();
    expect(await queued()).toEqual(['02:30']);
    vi.setSystemTime(new Date('2026-11-21T02:31:00.000Z'));
    await vi.waitFor(async () => expect(await published()).toEqual(['02:30 no_capacity']), 20_000);
    expect(await queued()).toEqual([]);
    expect(await queues.drills.add(samplePlan('nobody'), key)).toBe('queued');
  });

  it('whose receipt went to quarantine before anybody looked: the drill ends as lost', async () => {
    text = `sources:\n${hourly('shop', '0 0 1 1 *')}`;
    await start();
    const asked = samplePlan();
    await putPlan(createDirectoryStore(join(folder, 'evidence')), asked, AbortSignal.timeout(10_000));
    const facts = {
      drillId: asked.drill_id,
      source: asked.source.slug,
      why: 'its key is not in the keyring',
    };
    await queues.quarantined.note(facts, new Date());
    // It is noticed at one look, and settled a minute after it.
    await vi.waitFor(async () => {
      vi.setSystemTime(Date.now() + 60_000);
      expect(await published()).toEqual([expect.stringMatching(/ lost$/)]);
    }, 20_000);
  });

  it('whose source is removed while its drill runs: the drill ends under the configuration it began with', async () => {
    text = `sources:\n${hourly('shop')}${hourly('other', '0 0 1 1 *')}`;
    const producer = await start();
    const before = (await queues.configs.inForce())?.digest ?? '';
    vi.setSystemTime(at('03:00:05'));
    await vi.waitFor(async () => expect(await queued()).toEqual(['03:00']), 20_000);
    const running = Promise.withResolvers<string>();
    const end = Promise.withResolvers<Disposition>();
    const consumer = consumeDrills(server.url, {
      pool: 'default',
      concurrency: 1,
      handle: async ({ plan }) => {
        running.resolve(plan.config_sha256);
        return end.promise;
      },
      onError: () => {},
    });
    expect(await running.promise).toBe(before);
    text = `sources:\n${hourly('other', '0 0 1 1 *')}`;
    expect(await producer.reload()).toMatchObject({ type: 'enforced' });
    expect(await queues.configs.get(before)).toBeDefined();
    end.resolve({ type: 'done' });
    await eventually('it is over', async () => (await queued()).length === 0);
    await consumer.close();
    expect([await planned(), await published()]).toEqual([['03:00'], []]);
  });
});
