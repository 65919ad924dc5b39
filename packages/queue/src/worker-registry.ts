import { PHASES } from '@muster/core';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { orUnavailable } from './connection.js';
import { PREFIX } from './names.js';
import { readJson } from './read-json.js';

/** What a worker says of itself, every 10 s and whenever it changes. */
export const heartbeatSchema = z.strictObject({
  /** Unique: host, process and a few random letters. */
  worker: z.string(),
  host: z.string(),
  version: z.string(),
  pool: z.string(),
  concurrency: z.int().positive(),
  capacity: z
    .strictObject({
      /** Names what is shared: workers of one Docker daemon or kernel have the same. */
      host_id: z.string().optional(),
      memory_bytes: z.number(),
      memory_free_bytes: z.number().optional(),
      disk_free_bytes: z.number().optional(),
      pids: z.number().optional(),
    })
    .optional(),
  /** `draining`: takes nothing new. */
  state: z.enum(['ready', 'draining']),
  drills: z.array(
    z.strictObject({
      drill_id: z.string(),
      source: z.string(),
      phase: z.enum(PHASES).optional(),
      since: z.string(),
    }),
  ),
  /** The backup that it takes, beside its drills. */
  taking: z
    .strictObject({
      take_id: z.string(),
      source: z.string(),
      phase: z.string().max(32).optional(),
      since: z.string(),
    })
    .optional(),
  started_at: z.string(),
  at: z.string(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** The workers that live: `muster:worker:<worker>`, gone 30 s after the last heartbeat. @throws `redis_unavailable`. */
export interface WorkerRegistry {
  beat(heartbeat: Heartbeat): Promise<void>;
  leave(worker: string): Promise<void>;
  list(): Promise<readonly Heartbeat[]>;
}

/** Whoever was not heard of for so long is gone. */
export const ALIVE_S = 30;
const keyOf = (worker: string): string => `${PREFIX}:worker:${worker}`;

/** Over a connection for commands. */
export function createWorkerRegistry(redis: Redis): WorkerRegistry {
  return {
    beat: async (heartbeat) => {
      const text = JSON.stringify(heartbeatSchema.parse(heartbeat));
      await orUnavailable(
        redis.set(keyOf(heartbeat.worker), text, 'EX', ALIVE_S),
        'saying that a worker lives',
      );
    },
    leave: async (worker) => {
      await orUnavailable(redis.del(keyOf(worker)), 'saying that a worker leaves');
    },
    list: () => orUnavailable(list(redis), 'listing workers'),
  };
}

async function list(redis: Redis): Promise<readonly Heartbeat[]> {
  const keys = new Set<string>();
  for await (const batch of redis.scanStream({ match: keyOf('*'), count: 200 })) {
    for (const key of z.array(z.string()).parse(batch)) keys.add(key);
  }
  if (keys.size === 0) return [];
  const texts = await redis.mget(...keys);
  return texts
    .flatMap((text) => readJson(heartbeatSchema, text) ?? [])
    .sort((a, b) => a.worker.localeCompare(b.worker));
}
