import {
  createBoardQueues,
  createBoardSessions,
  createDrillQueue,
  openRedis,
  SESSION_SECONDS,
} from '@muster/queue';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { samplePlan } from '../support/sample-plan.ts';

let server: RedisServer;
let redis: ReturnType<typeof openRedis>;
beforeAll(async () => {
  server = await startRedis();
  redis = openRedis(server.url, 'commands');
});
beforeEach(() => server.wipe());
afterAll(async () => {
  redis?.disconnect();
  await server?.close();
});

describe('the queues to look at', () => {
  it('are those of every pool, receipts and ticks, and to look at them changes nothing', async () => {
    const queues = createBoardQueues(redis);
    const names = async () => (await queues.list()).map(({ kind, queue }) => `${kind} ${queue.name}`);
    expect(await names()).toEqual(['drills drills', 'receipts receipts', 'ticks ticks']);
    await Promise.all((await queues.list()).map(({ jobs }) => jobs(['waiting', 'failed'], 0, 9)));
    expect(await redis.dbsize()).toBe(0);

    const drills = createDrillQueue(redis);
    await drills.add(samplePlan('eu'));
    await redis.sadd('muster:pools', '../..', '');
    expect(await names()).toEqual(['drills drills', 'drills drills-eu', 'receipts receipts', 'ticks ticks']);
    await Promise.all([drills.close(), queues.close()]);
  });

  it('show a page of jobs, newest first, also where one is no job at all', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    const drills = new Queue('drills', { connection: redis, prefix: 'muster' });
    for (const jobId of ids) await drills.add('drill', {}, { jobId });
    await redis.set('muster:drills:c', 'text');
    const queues = createBoardQueues(redis);
    const [board] = await queues.list();
    expect((await board?.jobs(['waiting'], 0, 2))?.map(({ id }) => id)).toEqual(['d', 'b']);
    expect(await board?.job('c')).toBeUndefined();
    await Promise.all([drills.close(), queues.close()]);
  });
});

describe('the sessions of browsers', () => {
  it('are known until they end, of themselves after 12 hours, and Redis has digests alone', async () => {
    const sessions = createBoardSessions(redis);
    const [one, other] = [await sessions.begin('holder'), await sessions.begin('holder')];
    expect(one).not.toBe(other);
    expect(Buffer.from(one, 'base64url')).toHaveLength(32);
    const keys = await redis.keys('*');
    expect(keys.join()).not.toContain(one);
    expect(await Promise.all(keys.map((key) => redis.ttl(key)))).toEqual([SESSION_SECONDS, SESSION_SECONDS]);
    await sessions.end(one);
    expect([await sessions.holder(one), await sessions.holder(other)]).toEqual([undefined, 'holder']);
  });
});
