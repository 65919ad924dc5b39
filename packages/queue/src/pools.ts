import type { Redis } from 'ioredis';
import { PREFIX } from './names.js';

/** Every pool that a drill was ever queued for: a set. */
const POOLS = `${PREFIX}:pools`;
/** As plans name them; BullMQ takes no other name either. */
const POOL = /^[a-z0-9-]+$/;

export async function everyPool(redis: Redis): Promise<readonly string[]> {
  return (await redis.smembers(POOLS)).filter((pool) => POOL.test(pool));
}

export async function rememberPool(redis: Redis, pool: string): Promise<void> {
  await redis.sadd(POOLS, pool);
}
