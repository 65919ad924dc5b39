import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { createClosableWorker } from './closable-worker.js';
import { openRedis } from './connection.js';
import { PREFIX, TICKS } from './names.js';
import { createTroubleTeller } from './redis-trouble.js';
import { retryDelay } from './retry-delay.js';
import { scrubbed } from './scrubbed.js';
import type { Tick } from './tick.js';
import { tickOf } from './tick-job-id.js';

export interface TickConsumerOptions {
  readonly concurrency: number;
  /** The tick is done when it resolves; where it throws, it comes again, 1 s to 30 s later, for ever. */
  readonly handle: (tick: Tick) => Promise<void>;
  readonly onError: (error: Error) => void;
}

export interface TickConsumer {
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/**
 * Takes ticks from the queue at `redisUrl`, over connections of its own. After a time without a consumer, the first due
 * time that was missed comes as one late tick; those between it and now never come: {@link Schedules.accounted} is how
 * they are found.
 */
export function consumeTicks(
  redisUrl: string,
  { concurrency, handle, onError }: TickConsumerOptions,
): TickConsumer {
  const connection = openRedis(redisUrl, 'blocking');
  const closable = createClosableWorker();
  const worker = new Worker(
    TICKS,
    async (job: Job): Promise<void> => {
      const tick = tickOf(job.id ?? '');
      // Put there by no Job Scheduler.
      if (tick === undefined) throw new UnrecoverableError('the job is no tick');
      await closable.run(scrubbed(handle(tick), onError));
    },
    {
      connection,
      prefix: PREFIX,
      concurrency,
      lockDuration: 20_000,
      stalledInterval: 5_000,
      removeOnComplete: { count: 0 },
      settings: { backoffStrategy: retryDelay },
    },
  );
  worker.on('error', createTroubleTeller(redisUrl, onError));
  return {
    ready: worker.waitUntilReady().then(() => undefined),
    close: () => closable.close(worker, connection),
  };
}
