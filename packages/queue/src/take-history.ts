import { type KnownTake, knownTakeSchema } from '@muster/core';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';

/**
 * The takes of each source, those under way and so many that ended: hashes `muster:takes:<slug>`, by id. A convenience for
 * people, and what a worker knows of the tries before its own; a backup does not depend on it. @throws `redis_unavailable`.
 */
export interface TakeHistory {
  /** False where this take is known already: then nothing is changed. */
  begin(slug: string, take: KnownTake): Promise<boolean>;
  /** As it is now. */
  put(slug: string, take: KnownTake): Promise<void>;
  get(slug: string, takeId: string): Promise<KnownTake | undefined>;
  /** Newest first, of each of these sources. */
  list(slugs: readonly string[]): Promise<ReadonlyMap<string, readonly KnownTake[]>>;
  /** Of which of these sources this take is. */
  find(
    slugs: readonly string[],
    takeId: string,
  ): Promise<{ readonly slug: string; readonly take: KnownTake } | undefined>;
}

/** Of each source that many of those that ended. */
const KEPT = 50;
const KEPT_SECONDS = 400 * 24 * 60 * 60;
const AT_ONCE = 500;
const keyOf = (slug: string): string => `${PREFIX}:takes:${slug}`;

/** Ids sort by time; what is under way is never dropped. */
const PUT = `
if ARGV[5] == 'new' and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
local surplus = redis.call('HLEN', KEYS[1]) - tonumber(ARGV[3])
if surplus > 0 then
  local ids = redis.call('HKEYS', KEYS[1])
  table.sort(ids)
  for _, id in ipairs(ids) do
    if surplus > 0 and string.find(redis.call('HGET', KEYS[1], id), '"state":"ended"', 1, true) then
      redis.call('HDEL', KEYS[1], id)
      surplus = surplus - 1
    end
  end
end
return 1`;

/** Over a connection for commands. */
export function createTakeHistory(redis: Redis): TakeHistory {
  const put = async (slug: string, take: KnownTake, which: 'new' | 'any'): Promise<boolean> => {
    const text = JSON.stringify(knownTakeSchema.parse(take));
    return (await redis.eval(PUT, 1, keyOf(slug), take.id, text, KEPT, KEPT_SECONDS, which)) === 1;
  };
  const get = async (slug: string, takeId: string): Promise<KnownTake | undefined> =>
    readJson(knownTakeSchema, await redis.hget(keyOf(slug), takeId));
  return {
    begin: (slug, take) => orUnavailable(put(slug, take, 'new'), 'noting a take'),
    put: (slug, take) =>
      orUnavailable(
        put(slug, take, 'any').then(() => undefined),
        'noting a take',
      ),
    get: (slug, takeId) => orUnavailable(get(slug, takeId), 'looking for a take'),
    list: (slugs) => orUnavailable(list(redis, slugs), 'listing takes'),
    find: (slugs, takeId) => orUnavailable(find(redis, slugs, takeId), 'looking for a take'),
  };
}

async function list(
  redis: Redis,
  slugs: readonly string[],
): Promise<ReadonlyMap<string, readonly KnownTake[]>> {
  const found = new Map<string, readonly KnownTake[]>();
  for (let from = 0; from < slugs.length; from += AT_ONCE) {
    const some = slugs.slice(from, from + AT_ONCE);
    const answers = await Promise.all(some.map((slug) => redis.hvals(keyOf(slug))));
    for (const [index, slug] of some.entries()) {
      const takes = (answers[index] ?? []).flatMap((text) => readJson(knownTakeSchema, text) ?? []);
      found.set(
        slug,
        takes.sort((a, b) => (a.id < b.id ? 1 : -1)),
      );
    }
  }
  return found;
}

async function find(redis: Redis, slugs: readonly string[], takeId: string) {
  for (let from = 0; from < slugs.length; from += AT_ONCE) {
    const some = slugs.slice(from, from + AT_ONCE);
    const answers = await Promise.all(some.map((slug) => redis.hget(keyOf(slug), takeId)));
    for (const [index, slug] of some.entries()) {
      const take = readJson(knownTakeSchema, answers[index] ?? null);
      if (take !== undefined) return { slug, take };
    }
  }
  return undefined;
}
