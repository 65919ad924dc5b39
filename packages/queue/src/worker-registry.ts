import { PHASES } from '@muster/core';
import { z } from 'zod';

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
