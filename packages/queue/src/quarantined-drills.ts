import { DRILL_ID } from '@muster/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';

const quarantinedSchema = z.strictObject({ source: z.string(), why: z.string() });

/** A drill whose receipt is in quarantine. */
interface QuarantinedDrill {
  readonly drillId: string;
  readonly source: string;
  /** What is wrong with the receipt. */
  readonly why: string;
}

/**
 * The drills of which a receipt went to quarantine, for a week or until one is stored: so that whoever waits for one
 * learns of it. Every method throws `redis_unavailable`.
 */
export interface QuarantinedDrills {
  note(drill: QuarantinedDrill, now: Date): Promise<void>;
  find(drillId: string): Promise<QuarantinedDrill | undefined>;
  /** The newest first, 1,000 at the most. */
  list(): Promise<readonly QuarantinedDrill[]>;
  /** Its receipt is stored. */
  forget(drillId: string): Promise<void>;
}

/** By when each was noted, and what was noted of it. */
const [TIMES, FACTS] = [`${PREFIX}:quarantined`, `${PREFIX}:quarantined:facts`];
const WEEK_MS = 7 * 24 * 60 * 60_000;
const MOST_LISTED = 1_000;

/** Over a connection for commands. */
export function createQuarantinedDrills(redis: Redis): QuarantinedDrills {
  const factsOf = (drillId: string, text: string | null | undefined): QuarantinedDrill | undefined => {
    const facts = DRILL_ID.test(drillId) ? readJson(quarantinedSchema, text) : undefined;
    return facts && { drillId, ...facts };
  };
  const forget = async (drillIds: readonly string[]): Promise<void> => {
    if (drillIds.length === 0) return;
    await redis
      .multi()
      .hdel(FACTS, ...drillIds)
      .zrem(TIMES, ...drillIds)
      .exec();
  };
  const note = async ({ drillId, source, why }: QuarantinedDrill, now: Date): Promise<void> => {
    const facts = JSON.stringify(quarantinedSchema.parse({ source, why }));
    await redis.multi().hset(FACTS, drillId, facts).zadd(TIMES, now.getTime(), drillId).exec();
    await forget(await redis.zrangebyscore(TIMES, '-inf', now.getTime() - WEEK_MS));
  };
  const list = async (): Promise<readonly QuarantinedDrill[]> => {
    const drillIds = await redis.zrevrange(TIMES, 0, MOST_LISTED - 1);
    if (drillIds.length === 0) return [];
    const facts = await redis.hmget(FACTS, ...drillIds);
    return drillIds.flatMap((drillId, index) => factsOf(drillId, facts[index]) ?? []);
  };
  return {
    note: (drill, now) => orUnavailable(note(drill, now), 'noting a receipt in quarantine'),
    find: (drillId) =>
      orUnavailable(
        redis.hget(FACTS, drillId).then((text) => factsOf(drillId, text)),
        'looking for a receipt in quarantine',
      ),
    list: () => orUnavailable(list(), 'listing receipts in quarantine'),
    forget: (drillId) => orUnavailable(forget([drillId]), 'forgetting a receipt in quarantine'),
  };
}
