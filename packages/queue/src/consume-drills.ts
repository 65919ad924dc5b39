import type { Plan } from '@muster/core';
import type { Job } from 'bullmq';
import { consumeTries, type Disposition, type TryConsumer, type TryTiming } from './consume-tries.js';
import { drillJobSchema } from './jobs.js';
import { drillsQueue } from './names.js';

/** One try of a drill, handed to a worker. */
export interface DrillDelivery {
  readonly plan: Plan;
  /** Rises with every start, also those that came to nothing: fences one try from another. */
  readonly attempt: number;
  /** Of whoever asked for it, as it came: it may be anything. */
  readonly traceparent?: string | undefined;
}

export interface DrillConsumerOptions {
  readonly pool: string;
  readonly concurrency: number;
  /** As in {@link consumeTries}: `done` when its receipt is published. */
  readonly handle: (delivery: DrillDelivery, signal: AbortSignal) => Promise<Disposition>;
  readonly onError: (error: Error) => void;
}

/** Of what somebody else put into the queue. */
export const NO_DRILL = 'the job is not the plan of a drill';

/** Takes drills of a pool from the queue at `redisUrl`. */
export function consumeDrills(
  redisUrl: string,
  { pool, ...options }: DrillConsumerOptions,
  timing?: TryTiming,
): TryConsumer {
  const drills = { queue: drillsQueue(pool), read: deliveryOf, refusal: NO_DRILL, maxStalledCount: 2 };
  return consumeTries(redisUrl, { ...options, ...drills }, timing);
}

function deliveryOf(job: Job): DrillDelivery | undefined {
  const asked = drillJobSchema.safeParse(job.data).data;
  return asked?.plan.drill_id === job.id && asked !== undefined
    ? { ...asked, attempt: job.attemptsStarted }
    : undefined;
}
