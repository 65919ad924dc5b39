import { once } from 'node:events';
import { isMusterError, type Look, newDrillId } from '@muster/core';
import {
  cancelDrill,
  consumeDrills,
  consumeReceipts,
  consumeTicks,
  createDrillEvents,
  createDrillQueue,
  createDrillStates,
  createLeases,
  createLooks,
  createNewestSeen,
  createQuarantinedDrills,
  createReceiptQueue,
  createReservations,
  createSchedules,
  createServiceRegistry,
  createWorkerRegistry,
  type Disposition,
  type DrillDelivery,
  type Lease,
  openDrill,
  openDrills,
  openRedis,
} from '@muster/queue';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { samplePlan } from '../support/sample-plan.ts';

const DONE: Disposition = { type: 'done' };

let server: RedisServer;
let redis: ReturnType<typeof openRedis>;
let drills: ReturnType<typeof createDrillQueue>;
beforeAll(async () => {
  server = await startRedis();
  redis = openRedis(server.url, 'commands');
});
beforeEach(async () => {
  await server.wipe();
  drills = createDrillQueue(redis);
});
afterAll(async () => {
  await drills?.close();
  redis?.disconnect();
  await server?.close();
});

/** A worker of a pool that does as told. */
async function worker(
  handle: (delivery: DrillDelivery, signal: AbortSignal) => Promise<Disposition>,
  timing?: { readonly lockDuration: number; readonly stalledInterval: number },
) {
  const options = { pool: 'default', concurrency: 4, handle, onError: () => {} };
  const consumer = consumeDrills(server.url, options, timing);
  await consumer.ready;
  return consumer;
}

describe('the queue of drills', () => {
  it('has a drill once, however often it is asked for', async () => {
    const asked = samplePlan();
    expect([await drills.add(asked), await drills.add(asked)]).toEqual(['queued', 'exists']);
    expect((await drills.list()).map((drill) => drill.plan)).toEqual([asked]);
  });

  it('lists the drills of every pool', async () => {
    const all = [samplePlan(), samplePlan('eu'), samplePlan('big-disk')];
    for (const one of all) await drills.add(one);
    expect((await drills.list()).map((drill) => drill.plan.pool).sort()).toEqual([
      'big-disk',
      'default',
      'eu',
    ]);
  });

  it('tells how full each pool is, and since when its next drill might have run', async () => {
    const before = Date.now();
    await drills.add(samplePlan());
    const after = Date.now();
    await drills.add(samplePlan());
    await drills.add(samplePlan(), { delayMs: 60_000 });
    const only = samplePlan('eu');
    await drills.add(only);
    await drills.remove(only.drill_id);
    const depths = new Map((await drills.depths()).map((one) => [one.pool, one]));
    const none = { waiting: 0, delayed: 0, active: 0, abandoned: 0 };
    expect(depths.get('eu')).toEqual({ pool: 'eu', depth: none });
    expect(depths.get('default')?.depth).toEqual({ ...none, waiting: 2, delayed: 1 });
    const oldest = depths.get('default')?.oldestWaiting?.getTime() ?? 0;
    expect(oldest).toBeGreaterThanOrEqual(before);
    expect(oldest).toBeLessThanOrEqual(after);
  });

  it('counts a drill that a worker put off among those that wait, since it might have run', async () => {
    const before = Date.now();
    await drills.add(samplePlan());
    const after = Date.now();
    const consumer = await worker(async () => ({ type: 'later', afterMs: 60_000 }));
    await eventually('it is put off', async () => (await drills.depths())[0]?.depth.delayed === 1);
    await consumer.close();
    await drills.add(samplePlan());
    const oldest = (await drills.depths())[0]?.oldestWaiting?.getTime() ?? 0;
    expect(oldest).toBeGreaterThanOrEqual(before);
    expect(oldest).toBeLessThanOrEqual(after);
  });

  it('counts no drill among those that wait while its jitter lasts', async () => {
    await drills.add(samplePlan(), { delayMs: 60_000 });
    expect((await drills.depths())[0]).not.toHaveProperty('oldestWaiting');
  });

  it('hands on whose trace a drill is of, whatever that is', async () => {
    const delivered = Promise.withResolvers<DrillDelivery>();
    const consumer = await worker(async (delivery) => {
      delivered.resolve(delivery);
      return DONE;
    });
    await drills.add(samplePlan(), { traceparent: 'hunter2' });
    expect(await delivered.promise).toMatchObject({ traceparent: 'hunter2' });
    await consumer.close();
  });

  it('holds back a second drill of a schedule while one waits, runs or waits for its next try, and no longer', async () => {
    const first = samplePlan();
    const key = { unlessRunning: 'shop/nightly' };
    expect(await drills.add(first, key)).toBe('queued');
    expect(await drills.add(samplePlan(), key)).toBe('overrun');
    const running = Promise.withResolvers<void>();
    const go = Promise.withResolvers<Disposition>();
    const again = Promise.withResolvers<Disposition>();
    const answers = [go.promise, again.promise];
    const consumer = await worker(async () => {
      running.resolve();
      return (await answers.shift()) ?? DONE;
    });
    await running.promise;
    expect(await drills.add(samplePlan(), key)).toBe('overrun');
    go.resolve({ type: 'later', afterMs: 500 });
    await eventually('it is delayed', async () => (await drills.find(first.drill_id))?.state === 'delayed');
    expect(await drills.add(samplePlan(), key)).toBe('overrun');
    again.resolve(DONE);
    await eventually('it is over', async () => (await drills.find(first.drill_id)) === undefined);
    await consumer.close();
    const next = samplePlan();
    expect(await drills.add(next, key)).toBe('queued');
    expect(await drills.remove(next.drill_id)).toBe('removed');
    expect(await drills.add(samplePlan(), key)).toBe('queued');
  });

  it('gives a drill again as often as it is put off, each time as a try of its own', async () => {
    const tries: number[] = [];
    const over = Promise.withResolvers<void>();
    const consumer = await worker(async ({ attempt }) => {
      tries.push(attempt);
      if (tries.length < 20) return { type: 'later', afterMs: 0 };
      over.resolve();
      return DONE;
    });
    await drills.add(samplePlan());
    await over.promise;
    await consumer.close();
    expect(tries).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(await drills.list()).toEqual([]);
  });

  it('has no pool of a name that no plan has', async () => {
    const asked = samplePlan();
    await drills.add(asked);
    await redis.sadd('muster:pools', 'a:b', '', 'ä');
    expect((await drills.list()).map((drill) => drill.plan)).toEqual([asked]);
    expect(await drills.find(asked.drill_id)).toMatchObject({ state: 'waiting' });
    expect(await drills.abandoned()).toEqual([]);
  });

  it('has a drill also where Redis has no job, but something else, of another', async () => {
    const [asked, garbage, text] = [samplePlan(), samplePlan(), samplePlan()];
    for (const one of [asked, garbage, text]) await drills.add(one);
    await redis.hset(`muster:drills:${garbage.drill_id}`, 'data', '{garbage');
    await redis.set(`muster:drills:${text.drill_id}`, 'text');
    expect((await drills.list()).map((drill) => drill.plan)).toEqual([asked]);
    for (const { drill_id: id } of [garbage, text]) expect(await drills.find(id)).toBeUndefined();
    await redis.zadd('muster:drills:failed', 1, garbage.drill_id);
    expect(await drills.abandoned()).toEqual([]);
  });

  it('takes out a drill that waits, and leaves one that runs', async () => {
    const waiting = samplePlan();
    await drills.add(waiting, { delayMs: 60_000 });
    expect(await drills.remove(waiting.drill_id)).toBe('removed');
    expect(await drills.remove(waiting.drill_id)).toBe('absent');
    const running = Promise.withResolvers<void>();
    const end = Promise.withResolvers<Disposition>();
    const consumer = await worker(async () => {
      running.resolve();
      return end.promise;
    });
    const busy = samplePlan();
    await drills.add(busy);
    await running.promise;
    expect(await drills.remove(busy.drill_id)).toBe('running');
    end.resolve(DONE);
    await consumer.close();
  });

  it('tells a worker that lost its lock, and drops what it says', async () => {
    const lost = Promise.withResolvers<void>();
    const second = Promise.withResolvers<number>();
    const consumer = await worker(
      async ({ attempt }, signal) => {
        if (attempt > 1) {
          second.resolve(attempt);
          return DONE;
        }
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        lost.resolve();
        return { type: 'later', afterMs: 3_600_000 };
      },
      { lockDuration: 1_000, stalledInterval: 500 },
    );
    const asked = samplePlan();
    await drills.add(asked);
    await eventually('it runs', async () => (await drills.find(asked.drill_id))?.state === 'active');
    await redis.del(`muster:drills:${asked.drill_id}:lock`);
    await lost.promise;
    expect(await second.promise).toBe(2);
    await eventually('it is over', async () => (await drills.find(asked.drill_id)) === undefined);
    await consumer.close();
  });

  it('says within 10 s that Redis is away', async () => {
    await server.stop();
    const before = Date.now();
    await expect(drills.add(samplePlan())).rejects.toMatchObject({ code: 'redis_unavailable' });
    expect(Date.now() - before).toBeLessThan(10_000);
    await server.start();
  });
});

describe('what is known of a drill', () => {
  const at = (second: number) => new Date(Date.UTC(2026, 10, 20, 3, 0, second));

  it('is each of its tries, in order, and one that never ended is lost', async () => {
    const states = createDrillStates(redis, server.url);
    const id = newDrillId(new Date());
    await states.beginAttempt(id, 2, { worker: 'b', at: at(2) });
    await states.beginAttempt(id, 1, { worker: 'a', at: at(0) });
    await states.endAttempt(id, 1, { at: at(1), outcome: 'error', reason: 'launch_failed' });
    expect(await states.attempts(id)).toMatchObject([
      { worker: 'a', outcome: 'error', reason: 'launch_failed' },
      { worker: 'b', outcome: 'lost' },
    ]);
  });

  it('is since when it waits for a host, whatever each host of its pool has too little of', async () => {
    const states = createDrillStates(redis, server.url);
    const id = newDrillId(new Date());
    const room = { type: 'room', short: 'memory', host: 'a' } as const;
    const isolation = { type: 'isolation', host: 'b' } as const;
    const config = { type: 'config' } as const;
    expect(await states.waitsFor(id, room, at(1))).toEqual(at(1));
    expect(await states.waitsFor(id, isolation, at(2))).toEqual(at(1));
    expect(await states.waitsFor(id, room, at(3))).toEqual(at(1));
    expect(await states.waitsFor(id, config, at(4))).toEqual(at(4));
    expect(await states.waitsFor(id, room, at(5))).toEqual(at(5));
  });

  it('is nothing where Redis holds what nobody wrote there', async () => {
    const states = createDrillStates(redis, server.url);
    const id = newDrillId(new Date());
    const why = { type: 'config' } as const;
    await redis.hset(`muster:drill:${id}`, 'waiting', JSON.stringify({ why, since: 'yesterday' }));
    expect(await states.waiting(id)).toBeUndefined();
    expect(await states.waitsFor(id, why, at(1))).toEqual(at(1));
  });

  it('is the wish to cancel it, told at once and kept', async () => {
    const states = createDrillStates(redis, server.url);
    const heard = Promise.withResolvers<string>();
    const subscription = await states.onCancel(heard.resolve);
    const asked = samplePlan();
    await drills.add(asked);
    const receipts = createReceiptQueue(redis);
    const ports = { drills, states, receipts, quarantined: createQuarantinedDrills(redis) };
    expect(await cancelDrill(ports, asked.drill_id, 'me')).toBe('cancelled');
    expect(await heard.promise).toBe(asked.drill_id);
    expect(await states.cancelRequested(asked.drill_id)).toBe(true);
    expect(await receipts.holds(asked.drill_id)).toBe(true);
    expect(await cancelDrill(ports, asked.drill_id, 'me')).toBe('storing');
    expect(await cancelDrill(ports, samplePlan().drill_id, 'me')).toBe('absent');
    await subscription.close();
    await receipts.close();
  });

  it('is told without what is no event, and nobody is disturbed', async () => {
    const events = createDrillEvents(redis, server.url);
    const id = newDrillId(new Date());
    await events.publish(id, { type: 'phase-ended', phase: 'locate', outcome: 'done', duration_ms: -1 });
    expect(await redis.exists(`muster:events:${id}`)).toBe(0);
  });

  it('is its events, from the first on or from one that was seen', async () => {
    const events = createDrillEvents(redis, server.url);
    const id = newDrillId(new Date());
    await events.publish(id, { type: 'queued', source: 'shop', pool: 'default' });
    await events.publish(id, { type: 'waiting', why: 'room' });
    const take = async (afterId: string | undefined, count: number) => {
      const told = [];
      for await (const one of events.follow(id, afterId, AbortSignal.timeout(10_000))) {
        told.push(one);
        if (told.length === count) break;
      }
      return told;
    };
    const all = await take(undefined, 2);
    expect(all.map(({ event }) => event.type)).toEqual(['queued', 'waiting']);
    expect((await take(all[0]?.id, 1)).map(({ event }) => event.type)).toEqual(['waiting']);
  });
});

describe('the queue of receipts', () => {
  it('has the same message once, gives it again where it could not be kept, and tells Redis nothing of why', async () => {
    const receipts = createReceiptQueue(redis);
    const { drill_id: drillId, source } = samplePlan();
    const message = {
      type: 'receipt',
      drill_id: drillId,
      source: source.slug,
      attempt: 1,
      bundle: '{}',
    } as const;
    await receipts.publish(message);
    await receipts.publish(message);
    const errors: string[] = [];
    const failed = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    let given = 0;
    const consumer = consumeReceipts(server.url, {
      concurrency: 1,
      handle: async () => {
        given += 1;
        if (given === 1) throw new Error('PLANTED');
        done.resolve();
      },
      handleMalformed: async () => {},
      onError: ({ message: text }) => {
        errors.push(text);
        failed.resolve();
      },
    });
    await failed.promise;
    const key = `muster:receipts:${drillId}.1`;
    await eventually('it is delayed', async () => (await redis.hget(key, 'failedReason')) !== null);
    expect(JSON.stringify(await redis.hgetall(key))).not.toContain('PLANTED');
    expect(await receipts.holds(drillId)).toBe(true);
    await done.promise;
    await eventually('it is over', async () => !(await receipts.holds(drillId)));
    await consumer.close();
    await receipts.close();
    expect([given, errors]).toEqual([2, ['PLANTED']]);
  });
});

describe('what one drill at a time may have', () => {
  it('is a lease, which its holder takes again, and whose earlier self cannot give back', async () => {
    const leases = createLeases(redis);
    const late = await leases.acquire('source:shop', 'drill-1');
    expect(await leases.acquire('source:shop', 'drill-2')).toBeUndefined();
    const taken = await leases.acquire('source:shop', 'drill-1');
    await late?.release();
    expect(await leases.acquire('source:shop', 'drill-2')).toBeUndefined();
    await taken?.release();
    expect(await leases.acquire('source:shop', 'drill-2')).toBeDefined();
  });

  it('is a lease, and whoever held it is told when another takes it', async () => {
    const lease = await createLeases(redis, 300).acquire('taken:shop', 'drill-1');
    await redis.set('muster:lease:taken:shop', 'drill-2 nonce');
    expect(await lostBy(lease)).toMatchObject({ code: 'lease_lost' });
    await lease?.release();
    expect(await createLeases(redis).holder('taken:shop')).toBe('drill-2');
  });

  it('is a lease that is had again where Redis forgot it, and that is not lost once it is given back', async () => {
    const leases = createLeases(redis, 600);
    const lease = await leases.acquire('forgotten:shop', 'drill-1');
    await redis.del('muster:lease:forgotten:shop');
    await eventually('it is held', async () => (await leases.holder('forgotten:shop')) === 'drill-1');
    await lease?.release();
    const again = await createLeases(redis).acquire('forgotten:shop', 'drill-2');
    expect([lease?.lost.aborted, again?.lost.aborted]).toEqual([false, false]);
    await again?.release();
  });

  it('is a lease that ends where Redis does not answer for as long as it lives', async () => {
    const own = await startRedis();
    const connection = openRedis(own.url, 'commands');
    try {
      const lease = await createLeases(connection, 300).acquire('source:shop', 'drill-1');
      await own.kill();
      expect(await lostBy(lease)).toMatchObject({
        code: 'lease_lost',
        message: expect.stringContaining('did not renew'),
      });
    } finally {
      connection.disconnect();
      await own.close();
    }
  });

  it('is room on a host, never more than there is, whoever asks at the same time', async () => {
    const reservations = createReservations(redis);
    const host = { hostId: 'h', hostName: 'h', memoryBytes: 1_000 };
    const needs = { memoryBytes: 300, diskBytes: 1, pids: 1 };
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, index) => reservations.reserve(`d${index}`, 'w', needs, host)),
    );
    const given = asked.flatMap((one) => (one.short === undefined ? [one] : []));
    expect(given).toHaveLength(3);
    await given[0]?.release();
    expect(await reservations.reserve('next', 'w', needs, host)).toMatchObject({
      release: expect.anything(),
    });
    expect(await reservations.reserve('last', 'w', needs, host)).toEqual({ short: 'memory' });
  });

  it('is room on a host, of which can be told what is short without taking any', async () => {
    const reservations = createReservations(redis);
    const host = { hostId: 'looked', hostName: 'h', memoryBytes: 1_000, diskFreeBytes: 10 };
    const needs = { memoryBytes: 600, diskBytes: 1, pids: 1 };
    expect(await reservations.shortage(needs, host)).toBeUndefined();
    expect(await reservations.shortage({ ...needs, diskBytes: 11 }, host)).toBe('disk');
    const taken = await reservations.reserve('d', 'w', needs, host);
    expect(taken).toMatchObject({ release: expect.anything() });
    expect(await reservations.shortage(needs, host)).toBe('memory');
    expect(await redis.hlen('muster:room:looked')).toBe(1);
    if (taken.short === undefined) await taken.release();
  });

  it('is room on a host, also where Redis holds what nobody wrote there', async () => {
    const host = { hostId: 'h', hostName: 'h', memoryBytes: 1_000 };
    const needs = { memoryBytes: 300, diskBytes: 1, pids: 1 };
    await redis.hset('muster:room:h', 'drill worker', 'nonsense');
    expect(await createReservations(redis).reserve('d', 'w', needs, host)).toMatchObject({
      release: expect.anything(),
    });
    expect(await redis.hexists('muster:room:h', 'drill worker')).toBe(0);
  });
});

describe('the newest backups of a source', () => {
  it('are known of its last three drills, each once, in the order of the drills', async () => {
    const newest = createNewestSeen(redis);
    const ids = [1, 2, 3, 4].map((day) => newDrillId(new Date(Date.UTC(2026, 10, day))));
    const [first = '', second = '', third = '', last = ''] = ids;
    for (const id of [last, third, third, first, second]) await newest.note('shop', id, `sha256:${id}`);
    expect(await newest.marks('shop', 'none')).toHaveLength(3);
    expect(await newest.marks('shop', last)).toHaveLength(2);
    expect(await newest.marks('other', last)).toEqual([]);
  });
});

describe('the schedules', () => {
  it('tick whatever Redis says of the tick beside its id; what is no tick is given up', async () => {
    const schedules = createSchedules(redis);
    await schedules.sync([{ slug: 'shop', schedule: { name: 'n', cron: '0 0 1 1 *', tz: 'UTC' } }]);
    const ticks = new Queue('ticks', { connection: redis, prefix: 'muster' });
    const [job] = await ticks.getDelayed();
    await job?.updateData({ source: 7 });
    await job?.promote();
    await ticks.add('tick', { source: 'shop', schedule: 'n' }, { attempts: 9 });
    const handled: string[] = [];
    const consumer = consumeTicks(server.url, {
      concurrency: 1,
      handle: async (tick) => void handled.push(`${tick.slug} ${tick.schedule}`),
      onError: () => {},
    });
    await eventually(
      'both were looked at',
      async () => (await ticks.getFailedCount()) + handled.length === 2,
    );
    expect(handled).toEqual(['shop n']);
    await consumer.close();
    await ticks.close();
    await schedules.close();
  });

  it('are accounted for up to a time, and to nothing else', async () => {
    const schedules = createSchedules(redis);
    await redis.hset('muster:accounted', { 'a/b': '1000', 'c/d': 'soon', 'e/f': '9'.repeat(30) });
    expect(await schedules.accounted()).toEqual(new Map([['a/b', new Date(1000)]]));
    await schedules.close();
  });
});

describe('the address of a Redis', () => {
  it.each([
    'redis://:PLANTED@host:99999999',
    'redis://u:PLANTED%ZZ@host',
    'redis://u:PLANTED@[::bad',
    'http://u:PLANTED@host',
    'PLANTED',
  ])('is refused where it is none, and never shown: %s', (url) => {
    const { message, code } = thrownBy(() => openRedis(url, 'commands'));
    expect([code, message]).toEqual(['redis_unavailable', expect.stringContaining('redis.url')]);
    expect(message).not.toContain('PLANTED');
  });
});

function thrownBy(work: () => unknown): { readonly message: string; readonly code: string } {
  try {
    work();
  } catch (error) {
    if (isMusterError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('what says that a fleet lives', () => {
  it('are producers and sinks that were heard of within 30 s and did not leave', async () => {
    const services = createServiceRegistry(redis);
    expect(await services.count()).toEqual({ producer: 0, sink: 0 });
    for (const instance of ['a', 'a', 'b']) await services.beat('sink', instance);
    await services.beat('producer', 'c');
    expect(await services.count()).toEqual({ producer: 1, sink: 2 });
    await services.leave('producer', 'c');
    const [now = 0] = (await redis.time()).map(Number);
    expect(Number(await redis.zscore('muster:services:sink', 'b'))).toBeGreaterThan(now + 25);
    // It died half a minute ago.
    await redis.zadd('muster:services:sink', now - 1, 'a');
    expect(await services.count()).toEqual({ producer: 0, sink: 1 });
  });

  it('is how many receipts wait, and since when the oldest does', async () => {
    const receipts = createReceiptQueue(redis);
    expect(await receipts.depth()).toEqual({ waiting: 0 });
    const began = Date.now();
    const message = { type: 'receipt', source: 'shop', attempt: 1, bundle: '{}' } as const;
    await receipts.publish({ ...message, drill_id: samplePlan().drill_id });
    const first = Date.now();
    await receipts.publish({ ...message, drill_id: samplePlan().drill_id });
    const { waiting, oldest } = await receipts.depth();
    expect(waiting).toBe(2);
    expect(oldest?.getTime()).toBeGreaterThanOrEqual(began);
    expect(oldest?.getTime()).toBeLessThanOrEqual(first);
    await receipts.close();
  });
});

describe('a drill without a stored receipt', () => {
  const opened = () => {
    const states = createDrillStates(redis, server.url);
    const [receipts, quarantined] = [createReceiptQueue(redis), createQuarantinedDrills(redis)];
    const [registry, services] = [createWorkerRegistry(redis), createServiceRegistry(redis)];
    return { drills, states, receipts, quarantined, registry, services };
  };

  it('is found in its queue, on its way to the sink, or in quarantine', async () => {
    const ports = opened();
    await ports.services.beat('sink', 'host-1');
    const [waiting, spoken, ended, refused] = [samplePlan('eu'), samplePlan(), samplePlan(), samplePlan()];
    for (const plan of [waiting, spoken]) await drills.add(plan);
    const attempt = { type: 'receipt', source: 'shop', attempt: 1, bundle: '{}' } as const;
    await ports.receipts.publish({ ...attempt, drill_id: spoken.drill_id });
    await ports.receipts.publish({ type: 'unfinished', plan: ended, reason: 'cancelled', attempts: [] });
    const why = 'it is that of another drill';
    await ports.quarantined.note({ drillId: refused.drill_id, source: 'shop', why }, new Date());

    const { trigger } = waiting;
    const known = [
      { drillId: refused.drill_id, state: 'quarantined', source: 'shop', why },
      {
        drillId: ended.drill_id,
        state: 'storing',
        source: 'shop',
        pool: 'default',
        trigger,
        waitsFor: 'the sink',
      },
      { drillId: spoken.drill_id, state: 'storing', source: 'shop', waitsFor: 'the sink' },
      {
        ...{ drillId: waiting.drill_id, state: 'waiting', source: 'shop', pool: 'eu', trigger },
        waitsFor: 'a worker of the pool eu (none serves it now)',
      },
    ].toSorted((a, b) => (a.drillId < b.drillId ? 1 : -1));
    expect(await openDrills(ports)).toEqual(known);
    expect(await openDrills(ports, { most: 2 })).toEqual(known.slice(0, 2));
    expect(await openDrills(ports, { source: 'other' })).toEqual([]);
    for (const drill of known) expect(await openDrill(ports, drill.drillId)).toEqual(drill);
    await ports.services.leave('sink', 'host-1');
    expect(await openDrill(ports, spoken.drill_id)).toMatchObject({ waitsFor: 'the sink (no sink runs)' });

    await ports.quarantined.forget(refused.drill_id);
    expect(await openDrill(ports, refused.drill_id)).toBeUndefined();
    expect(await ports.quarantined.list()).toEqual([]);
    await ports.receipts.close();
  });

  it('is none where Redis holds what is not of a drill', async () => {
    const ports = opened();
    const facts = JSON.stringify({ source: 'shop', why: 'x' });
    const job = { type: 'receipt', drill_id: 'garbage', source: 'shop', attempt: 1, bundle: '{}' };
    for (const id of ['garbage', `drl_7${'Z'.repeat(25)}`]) {
      await redis.zadd('muster:quarantined', 1, id);
      await redis.hset('muster:quarantined:facts', id, facts);
    }
    const receipts = new Queue('receipts', { connection: redis, prefix: 'muster' });
    await receipts.add('receipt', job, { jobId: 'garbage.1' });
    expect(await openDrills(ports)).toEqual([]);
    await Promise.all([receipts.close(), ports.receipts.close()]);
  });

  it('is among the newest, however many wait', async () => {
    const ports = opened();
    const plans = Array.from({ length: 1_200 }, (_, second) => ({
      ...samplePlan(),
      drill_id: newDrillId(new Date((second + 1) * 1000)),
    }));
    const [first, ...others] = plans;
    await drills.add(first ?? samplePlan());
    const queue = new Queue('drills', { connection: redis, prefix: 'muster' });
    await queue.addBulk(
      others.map((plan) => ({ name: 'drill', data: { plan }, opts: { jobId: plan.drill_id } })),
    );
    const newest = plans.map(({ drill_id }) => drill_id).toReversed();
    const found = async (...asked: Parameters<typeof openDrills>) =>
      (await openDrills(...asked)).map(({ drillId }) => drillId);
    expect(await found(ports)).toEqual(newest);
    expect(await found(ports, { most: 200 })).toEqual(newest.slice(0, 200));
    expect(await found(ports, { source: 'shop', most: 200 })).toEqual(newest.slice(0, 200));
    expect(await drills.list(10)).toHaveLength(10);
    await Promise.all([queue.close(), ports.receipts.close()]);
  });

  it('is remembered for a week where its receipt is in quarantine', async () => {
    const quarantined = createQuarantinedDrills(redis);
    const [first, second] = [samplePlan().drill_id, samplePlan().drill_id];
    const day = (days: number) => new Date(days * 24 * 60 * 60_000);
    await quarantined.note({ drillId: first, source: 'shop', why: 'x' }, day(1));
    await quarantined.note({ drillId: second, source: 'shop', why: 'y' }, day(9));
    expect(await quarantined.list()).toEqual([{ drillId: second, source: 'shop', why: 'y' }]);
    expect(await quarantined.find(first)).toBeUndefined();
  });
});

describe('a look at the backups of a source', () => {
  const plan = samplePlan();
  const question = { configSha256: plan.config_sha256, source: 'shop' };
  const look: Look = {
    at: '2026-11-20T12:00:00.000Z',
    host: 'h',
    worker: 'w',
    outcome: 'fail',
    reason: 'no_backup',
    message: 'a server said PLANTED',
    restore_point: { kind: 'latest' },
    unknown: [],
  };

  it('is asked of one worker of the pool, once, and answered without what was said', async () => {
    const looks = createLooks(redis);
    await Promise.all([looks.ask(question, plan), looks.ask(question, plan)]);
    expect(await looks.answer(question)).toBeUndefined();
    expect(await looks.next('eu')).toBeUndefined();
    const asked = await looks.next(plan.pool);
    expect(asked?.plan).toEqual(plan);
    expect(await looks.next(plan.pool)).toBeUndefined();
    if (asked === undefined) throw new Error('it was asked');
    await looks.tell(asked, look);
    const { message: _, ...told } = look;
    expect(await looks.answer(question)).toEqual(told);
    expect(await looks.answer({ ...question, schedule: 'nightly' })).toBeUndefined();
  });

  it('is gone within a minute, asked or answered', async () => {
    const looks = createLooks(redis);
    await looks.ask(question, plan);
    const asked = await looks.next(plan.pool);
    await looks.ask({ ...question, schedule: 'nightly' }, plan);
    if (asked !== undefined) await looks.tell(asked, look);
    const keys = await redis.keys('muster:look*');
    expect(keys).toHaveLength(3);
    for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(0);
  });
});

/** Why a lease was lost, once it is. */
async function lostBy(lease: Lease | undefined): Promise<unknown> {
  if (lease === undefined) throw new Error('nobody had it');
  if (!lease.lost.aborted) await once(lease.lost, 'abort');
  return lease.lost.reason;
}
