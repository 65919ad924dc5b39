import type { Redis } from 'ioredis';
import { PREFIX } from './names.js';

/** Every pool that a drill, or a take, was ever queued for: a set each. */
const POOLS = { drills: `${PREFIX}:pools`, takes: `${PREFIX}:take-pools` } as const;
export type Pooled = keyof typeof POOLS;

/** As plans name them; BullMQ takes no other name either. */
const POOL = /^[a-z0-9-]+$/;

export async function everyPool(redis: Redis, of: Pooled): Promise<readonly string[]> {
  return (await redis.smembers(POOLS[of])).filter((pool) => POOL.test(pool));
}

export async function rememberPool(redis: Redis, of: Pooled, pool: string): Promise<void> {
  await redis.sadd(POOLS[of], pool);
}
