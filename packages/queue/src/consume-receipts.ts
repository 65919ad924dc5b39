import { type Job, Worker } from 'bullmq';
import { createClosableWorker } from './closable-worker.js';
import { openRedis } from './connection.js';
import { type ReceiptJob, receiptJobSchema } from './jobs.js';
import { PREFIX, RECEIPTS } from './names.js';
import { createTroubleTeller } from './redis-trouble.js';
import { retryDelay } from './retry-delay.js';
import { scrubbed } from './scrubbed.js';

export interface ReceiptConsumerOptions {
  readonly concurrency: number;
  /** The job completes when it resolves; where it throws, it comes again, 1 s to 30 s later, for ever. */
  readonly handle: (message: ReceiptJob) => Promise<void>;
  /** A job that is no {@link ReceiptJob}: kept nowhere else, so that whoever gets it keeps it. */
  readonly handleMalformed: (jobId: string, data: unknown) => Promise<void>;
  readonly onError: (error: Error) => void;
}

export interface ReceiptConsumer {
  readonly ready: Promise<void>;
  /** Takes nothing new; resolves when what runs has returned. */
  close(): Promise<void>;
}

/** A receipt must survive every death of a sink: it is never given up. */
const FOR_EVER = Number.MAX_SAFE_INTEGER;

/** Takes receipts from the queue at `redisUrl`, over connections of its own. */
export function consumeReceipts(redisUrl: string, options: ReceiptConsumerOptions): ReceiptConsumer {
  const connection = openRedis(redisUrl, 'blocking');
  const closable = createClosableWorker();
  const worker = new Worker(
    RECEIPTS,
    (job: Job): Promise<void> => {
      const parsed = receiptJobSchema.safeParse(job.data);
      const handling = parsed.success
        ? options.handle(parsed.data)
        : options.handleMalformed(job.id ?? '', job.data);
      return closable.run(scrubbed(handling, options.onError));
    },
    {
      connection,
      prefix: PREFIX,
      concurrency: options.concurrency,
      lockDuration: 20_000,
      stalledInterval: 5_000,
      maxStalledCount: FOR_EVER,
      removeOnComplete: { count: 0 },
      settings: { backoffStrategy: retryDelay },
    },
  );
  worker.on('error', createTroubleTeller(redisUrl, options.onError));
  return {
    ready: worker.waitUntilReady().then(() => undefined),
    close: () => closable.close(worker, connection),
  };
}
