import type { Worker } from 'bullmq';
import type { Redis } from 'ioredis';

/** After what ran has returned, Redis is given so long to hear of it. */
const TELLING_MS = 5_000;

export interface ClosableWorker {
  /** Counts a job as running until it is settled. */
  run(work: Promise<void>): Promise<void>;
  /** Takes nothing new; resolves when what runs has returned. Where Redis is away, its jobs are given to another later. */
  close(worker: Worker, connection: Redis): Promise<void>;
}

/**
 * A close with a limit: BullMQ's own waits for Redis for ever, where it is away. A worker that was closed without it keeps
 * timers of BullMQ's, which end with the process.
 */
export function createClosableWorker(): ClosableWorker {
  const running = new Set<Promise<void>>();

  const returned = async (): Promise<void> => {
    while (running.size > 0) await Promise.allSettled(running);
  };
  return {
    async run(work) {
      running.add(work);
      try {
        await work;
      } finally {
        running.delete(work);
      }
    },

    async close(worker, connection) {
      const closed = worker.close().catch(() => {});
      await Promise.race([closed, returned()]);
      let limit: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        limit = setTimeout(resolve, TELLING_MS);
      });
      await Promise.race([closed, late]);
      clearTimeout(limit);
      await returned();
      connection.disconnect();
    },
  };
}
