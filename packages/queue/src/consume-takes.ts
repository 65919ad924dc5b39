import type { Job } from 'bullmq';
import { consumeTries, type Disposition, type TryConsumer, type TryTiming } from './consume-tries.js';
import { type TakeJob, takeJobSchema } from './jobs.js';
import { takesQueue } from './names.js';

export interface TakeConsumerOptions {
  readonly pool: string;
  /** As in {@link consumeTries}: `done` when what became of it is noted. */
  readonly handle: (take: TakeJob, signal: AbortSignal) => Promise<Disposition>;
  readonly onError: (error: Error) => void;
}

/** Of what somebody else put into the queue. */
export const NO_TAKE = 'the job is not a take';
/** The worker counts the tries itself, and ends a take before BullMQ gives it up. */
const MOST_STALLED = 20;

/** Takes takes of a pool from the queue at `redisUrl`, one at a time. */
export function consumeTakes(
  redisUrl: string,
  { pool, ...options }: TakeConsumerOptions,
  timing?: TryTiming,
): TryConsumer {
  const takes = { queue: takesQueue(pool), read: takeOf, refusal: NO_TAKE, maxStalledCount: MOST_STALLED };
  return consumeTries(redisUrl, { ...options, ...takes, concurrency: 1 }, timing);
}

function takeOf(job: Job): TakeJob | undefined {
  const asked = takeJobSchema.safeParse(job.data).data;
  return asked?.id === job.id ? asked : undefined;
}
