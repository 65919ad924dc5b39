import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import { createClosableWorker } from './closable-worker.js';
import { openRedis } from './connection.js';
import { PREFIX } from './names.js';
import { createTroubleTeller } from './redis-trouble.js';

/** What becomes of a job when a worker is through with this delivery. */
export type Disposition =
  /** All is said of it: it leaves the queue. */
  | { readonly type: 'done' }
  /** Again, after so many ms at the earliest, by any worker of the pool. */
  | { readonly type: 'later'; readonly afterMs: number };

export interface TryConsumerOptions<Delivery> {
  readonly queue: string;
  readonly concurrency: number;
  /** What a job is; undefined where it is none of Muster's: `refusal` says so in Redis. */
  readonly read: (job: Job) => Delivery | undefined;
  readonly refusal: string;
  /**
   * One try. `signal` aborts when the lock on the job is lost: another worker may have it then, and whatever is
   * returned is dropped. It does not throw; if it does, the job is delivered again after 30 s and `onError` is told.
   */
  readonly handle: (delivery: Delivery, signal: AbortSignal) => Promise<Disposition>;
  readonly onError: (error: Error) => void;
  /** A job whose workers died so often is given up by BullMQ. */
  readonly maxStalledCount: number;
}

/** Takes jobs of a pool: lock 20 s, stalled sweep every 5 s, so that a dead worker's job is taken over within 30 s. */
export interface TryConsumer {
  /** Resolves when it takes jobs. */
  readonly ready: Promise<void>;
  /** Takes nothing new; resolves when what runs has returned. */
  close(): Promise<void>;
}

export interface TryTiming {
  readonly lockDuration: number;
  readonly stalledInterval: number;
}
const TIMING: TryTiming = { lockDuration: 20_000, stalledInterval: 5_000 };
/** After a handler that threw. */
const AGAIN_MS = 30_000;

/** Takes jobs from the queue at `redisUrl`, over connections of its own. */
export function consumeTries<Delivery>(
  redisUrl: string,
  { queue, concurrency, read, refusal, handle, onError, maxStalledCount }: TryConsumerOptions<Delivery>,
  timing: TryTiming = TIMING,
): TryConsumer {
  const connection = openRedis(redisUrl, 'blocking');
  const closable = createClosableWorker();
  const locks = new Map<string, AbortController>();

  const take = async (job: Job, token = ''): Promise<void> => {
    const delivery = read(job);
    if (delivery === undefined || job.id === undefined) throw new UnrecoverableError(refusal);
    const lock = new AbortController();
    locks.set(job.id, lock);
    try {
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
  const worker = new Worker(queue, (job, token) => closable.run(take(job, token)), {
    connection,
    prefix: PREFIX,
    concurrency,
    maxStalledCount,
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
