import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';

/**
 * Which backup was the newest in the last drills of a source, as marks: so that a worker can tell that no new one comes. A
 * convenience: where Redis begins anew, so does this.
 */
export interface NewestSeen {
  /** The same drill twice is one. Best effort: never throws. */
  note(slug: string, drillId: string, mark: string): Promise<void>;
  /** Of the last drills but this one, three at the most. @throws `redis_unavailable`. */
  marks(slug: string, drillId: string): Promise<readonly string[]>;
}

const KEPT = 3;
const KEPT_SECONDS = 400 * 24 * 60 * 60;
const keyOf = (slug: string): string => `${PREFIX}:newest:${slug}`;

/** Over a connection for commands. Members `<drill id> <mark>` of one score sort by their text, and so by time. */
export function createNewestSeen(redis: Redis): NewestSeen {
  return {
    note: async (slug, drillId, mark) => {
      const key = keyOf(slug);
      const noting = redis.multi().zadd(key, 0, `${drillId} ${mark}`);
      await noting
        .zremrangebyrank(key, 0, -KEPT - 1)
        .expire(key, KEPT_SECONDS)
        .exec()
        .catch(() => {});
    },
    marks: async (slug, drillId) => {
      const members = await orUnavailable(
        redis.zrange(keyOf(slug), '0', '-1'),
        'reading the newest backups seen',
      );
      return members
        .map((member) => member.split(' '))
        .flatMap(([id, mark = '']) => (id === drillId ? [] : [mark]));
    },
  };
}
