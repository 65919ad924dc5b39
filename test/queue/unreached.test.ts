import { once } from 'node:events';
import { createServer } from 'node:net';
import { createDrillQueue, openRedis, type RedisUse } from '@muster/queue';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.close());

/** What a person is told who asks the Redis at this address for drills, and after how long. */
async function told(url: string, use: RedisUse): Promise<{ message: string; tookMs: number }> {
  const redis = openRedis(url, use);
  const drills = createDrillQueue(redis);
  const began = performance.now();
  try {
    const message = await drills.list().then(
      () => 'it answered',
      (error: Error) => error.message,
    );
    return { message, tookMs: performance.now() - began };
  } finally {
    await drills.close();
    redis.disconnect();
  }
}

/** Sets the server's port and password; back again when it is disposed of. */
async function listening(password: string): Promise<AsyncDisposable & { readonly port: number }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  if (address === null || typeof address === 'string') throw new Error('it has a port');
  await new Promise((resolve) => probe.close(resolve));
  const admin = new Redis(server.socket);
  await admin.config('SET', 'port', address.port, 'requirepass', password);
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      await admin.config('SET', 'port', '0', 'requirepass', '');
      admin.disconnect();
    },
  };
}

describe('a Redis that is not reached', () => {
  it.each([
    [
      'redis://user:geheim@127.0.0.1:1',
      'Redis at 127.0.0.1:1 is not reached (ECONNREFUSED): nothing listens',
    ],
    [
      'unix:/nowhere/redis.sock',
      'Redis at /nowhere/redis.sock is not reached (ENOENT): there is no such socket',
    ],
    ['redis://muster.invalid', 'Redis at muster.invalid:6379 is not reached (E'],
  ])('is named at once to a person who waits, with the reason: %s', async (url, expected) => {
    const { message, tookMs } = await told(url, 'foreground');
    expect(message).toContain(expected);
    expect(message).not.toContain('geheim');
    expect(tookMs).toBeLessThan(4_000);
  });

  it('is waited for by services, and named with the reason then', async () => {
    const { message, tookMs } = await told('redis://127.0.0.1:1', 'commands');
    expect(message).toContain('Redis at 127.0.0.1:1 is not reached (ECONNREFUSED)');
    expect(tookMs).toBeGreaterThan(4_000);
  });

  it('says that a password is wanted, or wrong, and never which', async () => {
    await using listened = await listening('geheim');
    const at = `127.0.0.1:${listened.port}`;
    const none = await told(`redis://${at}`, 'foreground');
    expect(none.message).toContain(`Redis at ${at} refuses commands (NOAUTH): it wants a password`);
    const wrong = await told(`redis://:falsch@${at}`, 'foreground');
    expect(wrong.message).toContain(`Redis at ${at} refuses commands (WRONGPASS)`);
    expect(wrong.message).not.toContain('falsch');
    expect(await told(`redis://:geheim@${at}`, 'foreground')).toMatchObject({ message: 'it answered' });
  });

  it('is told of once when it answers again: after it was gone, and after it hung', async () => {
    const back = vi.fn();
    const redis = openRedis(server.url, 'commands', back);
    await redis.ping();
    await server.stop();
    await once(redis, 'error');
    expect(back).not.toHaveBeenCalled();
    await server.start();
    await redis.ping();
    await redis.ping();
    expect(back).toHaveBeenCalledTimes(1);

    const admin = new Redis(server.socket);
    await admin.client('PAUSE', 8_500, 'ALL');
    await expect(redis.ping()).rejects.toThrow('timed out');
    expect(back).toHaveBeenCalledTimes(1);
    await redis.ping();
    await redis.ping();
    expect(back).toHaveBeenCalledTimes(2);
    admin.disconnect();
    redis.disconnect();
  });

  it('is waited for also where a person waits, once it was there', async () => {
    const redis = openRedis(server.url, 'foreground');
    expect(await redis.ping()).toBe('PONG');
    await server.stop();
    const asked = redis.ping();
    await server.start();
    expect(await asked).toBe('PONG');
    redis.disconnect();
  });
});
