import type { ReceiptJob } from './jobs.js';

/** The queue of results, from workers (and from whoever finds that a drill has none) to the sink. */
export interface ReceiptQueue {
  /** Durable in Redis when it resolves; the same message twice is one. @throws `redis_unavailable`. */
  publish(message: ReceiptJob): Promise<void>;
  /** True if something was published for this drill that the sink has not finished with. */
  holds(drillId: string): Promise<boolean>;
  close(): Promise<void>;
}

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
