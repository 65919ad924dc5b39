import { type Job, type JobType, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { DEFAULT_POOL, drillsQueue, PREFIX, RECEIPTS, TICKS, takesQueue } from './names.js';
import { everyPool } from './pools.js';
import type { PublicJobKind } from './public-job.js';
import { readJob, readJobs } from './read-job.js';

/** A queue, for people to look at. */
export interface BoardQueue {
  /** What its jobs carry. */
  readonly kind: PublicJobKind;
  /** BullMQ's own, for Bull Board. */
  readonly queue: Queue;
  /** {@link queue} throws at what is no job at all; these leave it out. Newest first, of each state those of the range. */
  jobs(states: readonly JobType[], start?: number, end?: number): Promise<readonly Job[]>;
  job(id: string): Promise<Job | undefined>;
}

export interface BoardQueues {
  /** Those of all pools that were ever asked for a drill, or for a take; receipts and ticks. @throws `redis_unavailable` within 10 s. */
  list(): Promise<readonly BoardQueue[]>;
  close(): Promise<void>;
}

/** Over a connection for commands, which the caller closes after this. To look changes nothing in Redis. */
export function createBoardQueues(redis: Redis): BoardQueues {
  const open = new Map<string, BoardQueue>();
  const queueOf = (name: string, kind: PublicJobKind): BoardQueue => {
    const known = open.get(name);
    if (known !== undefined) return known;
    const queue = new Queue(name, { connection: redis, prefix: PREFIX, skipMetasUpdate: true });
    queue.on('error', () => {});
    const opened: BoardQueue = {
      kind,
      queue,
      jobs: (states, start, end) => readJobs(queue, states, { start, end }),
      job: (id) => readJob(queue, id),
    };
    open.set(name, opened);
    return opened;
  };
  const list = async (): Promise<readonly BoardQueue[]> => {
    const [drillPools, takePools] = await Promise.all([
      everyPool(redis, 'drills'),
      everyPool(redis, 'takes'),
    ]);
    const drills = [...new Set([DEFAULT_POOL, ...drillPools])].map(drillsQueue).toSorted();
    const takes = takePools.map(takesQueue).toSorted();
    return [
      ...drills.map((name) => queueOf(name, 'drills')),
      ...takes.map((name) => queueOf(name, 'takes')),
      queueOf(RECEIPTS, 'receipts'),
      queueOf(TICKS, 'ticks'),
    ];
  };
  return {
    list: () => orUnavailable(list(), 'listing queues'),
    close: async () => {
      await Promise.all([...open.values()].map(({ queue }) => queue.close()));
    },
  };
}
