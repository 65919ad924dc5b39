import type { Plan } from '@muster/core';
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import { createClosableWorker } from './closable-worker.js';
import { openRedis } from './connection.js';
import { drillJobSchema } from './jobs.js';
import { drillsQueue, PREFIX } from './names.js';
import { createTroubleTeller } from './redis-trouble.js';

/** One try of a drill, handed to a worker. */
export interface DrillDelivery {
  readonly plan: Plan;
  /** Rises with every start, also those that came to nothing: fences one try from another. */
  readonly attempt: number;
  /** Of whoever asked for it, as it came: it may be anything. */
  readonly traceparent?: string | undefined;
}

/** What becomes of a drill when a worker is through with this delivery. */
export type Disposition =
  /** Its receipt is published: it leaves the queue. */
  | { readonly type: 'done' }
  /** Again, after so many ms at the earliest, by any worker of the pool. */
  | { readonly type: 'later'; readonly afterMs: number };

export interface DrillConsumerOptions {
  readonly pool: string;
  readonly concurrency: number;
  /**
   * One try. `signal` aborts when the lock on the job is lost: another worker may have the drill then, and whatever is
   * returned is dropped. It does not throw; if it does, the drill is delivered again after 30 s and `onError` is told.
   */
  readonly handle: (delivery: DrillDelivery, signal: AbortSignal) => Promise<Disposition>;
  readonly onError: (error: Error) => void;
}

/** Takes drills of a pool: lock 20 s, stalled sweep every 5 s, so that a dead worker's drill is taken over within 30 s. */
export interface DrillConsumer {
  /** Resolves when it takes drills. */
  readonly ready: Promise<void>;
  /** Takes nothing new; resolves when what runs has returned. */
  close(): Promise<void>;
}

const TIMING = { lockDuration: 20_000, stalledInterval: 5_000, maxStalledCount: 2 } as const;
/** Of what somebody else put into the queue. */
export const NO_DRILL = 'the job is not the plan of a drill';
/** After a handler that threw. */
const AGAIN_MS = 30_000;

/** Takes drills from the queue at `redisUrl`, over connections of its own. */
export function consumeDrills(
  redisUrl: string,
  { pool, concurrency, handle, onError }: DrillConsumerOptions,
  timing: { readonly lockDuration: number; readonly stalledInterval: number } = TIMING,
): DrillConsumer {
  const connection = openRedis(redisUrl, 'blocking');
  const closable = createClosableWorker();
  const locks = new Map<string, AbortController>();

  const take = async (job: Job, token = ''): Promise<void> => {
    const parsed = drillJobSchema.safeParse(job.data);
    if (!parsed.success || job.id !== parsed.data.plan.drill_id) {
      throw new UnrecoverableError(NO_DRILL);
    }
    const lock = new AbortController();
    locks.set(job.id, lock);
    try {
      const delivery = { ...parsed.data, attempt: job.attemptsStarted };
      const disposition = await handle(delivery, lock.signal).catch((error: unknown): Disposition => {
        onError(error instanceof Error ? error : new Error(String(error)));
        return { type: 'later', afterMs: AGAIN_MS };
      });
      // Whoever has the lock now decides: this makes BullMQ leave the job as it is.
      if (lock.signal.aborted) throw new DelayedError();
      if (disposition.type === 'done') return;
      await job.moveToDelayed(Date.now() + disposition.afterMs, token);
      throw new DelayedError();
    } finally {
      if (locks.get(job.id) === lock) locks.delete(job.id);
    }
  };
  const worker = new Worker(drillsQueue(pool), (job, token) => closable.run(take(job, token)), {
    connection,
    prefix: PREFIX,
    concurrency,
    ...TIMING,
    ...timing,
    removeOnComplete: { count: 0 },
  });
  worker.on('error', createTroubleTeller(redisUrl, onError));
  worker.on('lockRenewalFailed', (ids: readonly string[]) => {
    for (const id of ids) locks.get(id)?.abort();
  });
  return {
    ready: worker.waitUntilReady().then(() => undefined),
    close: () => closable.close(worker, connection),
  };
}
