import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';

/** Sums by name, of the whole fleet: one hash, `muster:tallies`. They begin anew where Redis does. */
export interface Tallies {
  /** Best effort: what is not counted changes nothing else. Never throws. */
  add(amounts: ReadonlyMap<string, number>): Promise<void>;
  /** @throws `redis_unavailable`. */
  read(): Promise<ReadonlyMap<string, number>>;
}

const KEY = `${PREFIX}:tallies`;

/** Over a connection for commands. */
export function createTallies(redis: Redis): Tallies {
  return {
    add: async (amounts) => {
      const adding = redis.multi();
      for (const [name, amount] of amounts) adding.hincrbyfloat(KEY, name, amount);
      await adding.exec().catch(() => {});
    },
    read: () =>
      orUnavailable(
        redis
          .hgetall(KEY)
          .then((all) => new Map(Object.entries(all).map(([name, sum]) => [name, Number(sum)]))),
        'reading what the fleet has counted',
      ),
  };
}
