import type { Config } from '@muster/core';
import type { Heartbeat } from '@muster/queue';
import type { Logger } from '@muster/telemetry';
import { expect, it } from 'vitest';
import { createPoolWorkers } from './pool-workers.js';

function world(isAlone: boolean) {
  const given = { pools: ['default', 'eu'], living: [] as string[], isAway: false };
  const served: string[] = [];
  const said: unknown[] = [];
  const logger: Logger = {
    info: () => {},
    warn: (_message, fields) => void said.push(fields?.['pool']),
    error: (message) => void said.push(message),
    child: () => logger,
  };
  const workers = createPoolWorkers({
    inForce: async () => {
      if (given.isAway) throw new Error('Redis is away');
      return { sources: given.pools.map((pool) => ({ pool })) } as unknown as Config;
    },
    registry: { list: async () => given.living.map((pool) => ({ pool }) as Heartbeat) },
    start: (pool) => {
      served.push(pool);
      return { kill: () => {}, stop: async () => void served.splice(served.indexOf(pool), 1) };
    },
    isAlone,
    logger,
  });
  return { given, served, said, workers };
}

it('a fleet that is alone serves every pool in force, each by one worker, and stops them all', async () => {
  const { given, served, said, workers } = world(true);
  await workers.look();
  await workers.look();
  expect(served).toEqual(['default', 'eu']);
  given.pools = ['big'];
  await workers.look();
  expect(served).toEqual(['default', 'eu', 'big']);
  given.pools = ['late'];
  const late = workers.look();
  await workers.stop();
  await late;
  expect([served, said]).toEqual([[], []]);
});

it('where other hosts have a part in it, it serves its own pool, and says once of which nobody serves', async () => {
  const { given, served, said, workers } = world(false);
  await workers.look();
  await workers.look();
  expect([served, said]).toEqual([['default'], ['eu']]);
  given.living = ['eu'];
  await workers.look();
  given.living = [];
  await workers.look();
  expect(said).toEqual(['eu', 'eu']);
});

it('looks again later where it could not', async () => {
  const { given, served, said, workers } = world(true);
  given.isAway = true;
  await workers.look();
  given.isAway = false;
  await workers.look();
  expect([served, said]).toEqual([['default', 'eu'], ['the pools in force could not be looked at']]);
});

it('its workers have joined when all of them live', async () => {
  const { given, workers } = world(true);
  await workers.look();
  given.living = ['default'];
  const over = new AbortController();
  let isOver = false;
  const joined = workers.joined(over.signal).then(() => {
    isOver = true;
  });
  await Promise.resolve();
  expect(isOver).toBe(false);
  given.living = ['default', 'eu'];
  await joined;
});

it('a worker that never joins is not waited for beyond its time', async () => {
  const { workers } = world(true);
  await workers.joined(AbortSignal.abort());
});
