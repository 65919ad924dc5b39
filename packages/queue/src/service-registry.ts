import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { ALIVE_S } from './worker-registry.js';

/** Services of which a fleet needs one at least, whatever its pools. */
export const SERVICES = ['producer', 'sink'] as const;
export type ServiceName = (typeof SERVICES)[number];

/**
 * The producers and sinks that live: in `muster:services:<service>` each with the time, by the clock of Redis, when it counts as
 * gone, 30 s after it was last heard of. @throws `redis_unavailable`.
 */
export interface ServiceRegistry {
  /** To be said every 10 s. `instance` is unique. */
  beat(service: ServiceName, instance: string): Promise<void>;
  leave(service: ServiceName, instance: string): Promise<void>;
  /** How many of each live. */
  count(): Promise<Readonly<Record<ServiceName, number>>>;
}

const keyOf = (service: ServiceName): string => `${PREFIX}:services:${service}`;

/** Over a connection for commands. */
export function createServiceRegistry(redis: Redis): ServiceRegistry {
  const beat = async (service: ServiceName, instance: string): Promise<void> => {
    const key = keyOf(service);
    const now = await secondsOf(redis);
    await redis
      .multi()
      .zremrangebyscore(key, '-inf', now)
      .zadd(key, now + ALIVE_S, instance)
      .expire(key, ALIVE_S)
      .exec();
  };
  const count = async (): Promise<Readonly<Record<ServiceName, number>>> => {
    const after = `(${await secondsOf(redis)}`;
    const alive = (service: ServiceName) => redis.zcount(keyOf(service), after, '+inf');
    const [producer, sink] = await Promise.all([alive('producer'), alive('sink')]);
    return { producer, sink };
  };
  return {
    beat: (service, instance) => orUnavailable(beat(service, instance), `saying that a ${service} lives`),
    leave: async (service, instance) => {
      await orUnavailable(redis.zrem(keyOf(service), instance), `saying that a ${service} leaves`);
    },
    count: () => orUnavailable(count(), 'counting producers and sinks'),
  };
}

async function secondsOf(redis: Redis): Promise<number> {
  const [seconds] = z.tuple([z.coerce.number(), z.coerce.number()]).parse(await redis.time());
  return seconds;
}
