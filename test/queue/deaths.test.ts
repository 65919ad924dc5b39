import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  consumeDrills,
  createDrillEvents,
  createDrillQueue,
  type Disposition,
  openRedis,
} from '@muster/queue';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { samplePlan } from '../support/sample-plan.ts';

const DONE: Disposition = { type: 'done' };
const QUICK = { lockDuration: 1_000, stalledInterval: 500 };

let server: RedisServer;
let redis: ReturnType<typeof openRedis>;
let drills: ReturnType<typeof createDrillQueue>;
beforeEach(async () => {
  server = await startRedis();
  redis = openRedis(server.url, 'commands');
  drills = createDrillQueue(redis);
});
afterEach(async () => {
  await drills.close();
  redis.disconnect();
  await server.close();
});

/** A worker in a process of its own. */
function spawnConsumer(close = '') {
  const hooks = fileURLToPath(new URL('../support/resolve-source.mjs', import.meta.url));
  const program = fileURLToPath(new URL('dying-consumer.ts', import.meta.url));
  const timing = [QUICK.lockDuration, QUICK.stalledInterval].map(String);
  const child = spawn(
    process.execPath,
    ['--conditions=muster-source', '--import', hooks, program, server.url, ...timing, close],
    { stdio: ['pipe', 'pipe', 'inherit'], timeout: 25_000, killSignal: 'SIGKILL' },
  );
  const lines = createInterface({ input: child.stdout });
  const said = (what: RegExp) =>
    new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => what.test(line) && resolve(line));
      child.once('exit', () => reject(new Error('it ended')));
    });
  const ended = once(child, 'exit');
  return { child, said, ended };
}

/** Starts a worker and kills it as soon as it has a drill; returns which try it was given. */
async function killAtWork(): Promise<string> {
  const { child, said, ended } = spawnConsumer();
  const attempt = await said(/^attempt/);
  child.kill('SIGKILL');
  await ended;
  return attempt;
}

const take = (handle: Parameters<typeof consumeDrills>[1]['handle'], timing?: typeof QUICK) =>
  consumeDrills(server.url, { pool: 'default', concurrency: 1, handle, onError: () => {} }, timing);

describe('a drill whose worker is killed', () => {
  it('is taken by another, as a later try', async () => {
    await drills.add(samplePlan());
    expect(await killAtWork()).toBe('attempt 1');
    const second = Promise.withResolvers<number>();
    const consumer = take(async ({ attempt }) => {
      second.resolve(attempt);
      return DONE;
    }, QUICK);
    expect(await second.promise).toBe(2);
    await consumer.close();
    expect(await drills.list()).toEqual([]);
  });

  it('three times is abandoned, until it is forgotten', async () => {
    const asked = samplePlan();
    const key = { unlessRunning: 'shop/nightly' };
    await drills.add(asked, key);
    for (const attempt of [1, 2, 3]) expect(await killAtWork()).toBe(`attempt ${attempt}`);
    let more = 0;
    const consumer = take(async () => {
      more += 1;
      return DONE;
    }, QUICK);
    await eventually('it is given up', async () => (await drills.abandoned()).length === 1);
    await consumer.close();
    expect(more).toBe(0);
    expect(await drills.abandoned()).toEqual([{ plan: asked }]);
    expect(await drills.find(asked.drill_id)).toMatchObject({ state: 'abandoned' });
    expect(await drills.add(asked)).toBe('exists');
    await drills.forget(asked.drill_id);
    expect(await drills.list()).toEqual([]);
    expect(await drills.add(samplePlan(), key)).toBe('queued');
  });
});

describe('a drill that runs while Redis is away', () => {
  it('for less than its lock ends as if nothing had been', async () => {
    const asked = samplePlan();
    const running = Promise.withResolvers<void>();
    const end = Promise.withResolvers<Disposition>();
    const tries: number[] = [];
    const consumer = take(async ({ attempt }) => {
      tries.push(attempt);
      running.resolve();
      return end.promise;
    });
    await drills.add(asked);
    await running.promise;
    await server.stop();
    await server.start();
    end.resolve(DONE);
    await eventually('it is over', async () => (await drills.find(asked.drill_id)) === undefined);
    await consumer.close();
    expect(tries).toEqual([1]);
  });

  it('and ends meanwhile is over as soon as Redis is back', async () => {
    const asked = samplePlan();
    const running = Promise.withResolvers<void>();
    const end = Promise.withResolvers<Disposition>();
    const consumer = take(async () => {
      running.resolve();
      return end.promise;
    });
    await drills.add(asked);
    await running.promise;
    await server.stop();
    end.resolve(DONE);
    await server.start();
    await eventually('it is over', async () => (await drills.find(asked.drill_id)) === undefined);
    await consumer.close();
  });
});

describe('a worker that closes', () => {
  it('ends what it has first', async () => {
    const { child, said, ended } = spawnConsumer('close');
    await said(/^ready/);
    const first = samplePlan();
    await drills.add(first);
    await said(/^attempt 1/);
    child.stdin.write('close\n');
    expect(await ended).toEqual([0, null]);
    expect(await drills.find(first.drill_id)).toBeUndefined();
  });

  it('while Redis is away ends all the same', async () => {
    const { child, said, ended } = spawnConsumer('close');
    await said(/^ready/);
    await server.kill();
    child.stdin.write('close\n');
    expect(await ended).toEqual([0, null]);
  });

  it('while Redis is away from its drill ends all the same', async () => {
    const { child, said, ended } = spawnConsumer('close');
    await said(/^ready/);
    await drills.add(samplePlan());
    await said(/^attempt 1/);
    await server.kill();
    child.stdin.write('close\n');
    expect(await ended).toEqual([0, null]);
  });
});

describe('whoever follows a drill', () => {
  it('while Redis is away ends when told to', async () => {
    const { drill_id: id } = samplePlan();
    const events = createDrillEvents(redis, server.url);
    await events.publish(id, { type: 'queued', source: 'shop', pool: 'default' });
    const stop = new AbortController();
    const heard = Promise.withResolvers<void>();
    const followed = (async () => {
      for await (const _ of events.follow(id, undefined, stop.signal)) heard.resolve();
    })();
    await heard.promise;
    await server.stop();
    let looks = 0;
    redis.on('reconnecting', () => {
      looks += 1;
    });
    await eventually('connections have looked for it again and again', () => looks >= 5);
    stop.abort();
    await followed;
  }, 20_000);
});
