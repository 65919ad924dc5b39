import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { type ReceiptJob, receiptJobSchema } from './jobs.js';
import { PREFIX, RECEIPTS } from './names.js';
import { readJob } from './read-job.js';
import { UNTIL_DONE } from './retry-delay.js';

/** The queue of results, from workers (and from whoever finds that a drill has none) to the sink. */
export interface ReceiptQueue {
  /** Durable in Redis when it resolves; the same message twice is one. @throws `redis_unavailable`. */
  publish(message: ReceiptJob): Promise<void>;
  /** True if something was published for this drill that the sink has not finished with. */
  holds(drillId: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Jobs of a drill that are in the queue: so that one look tells whether there are any. */
const pendingKey = (drillId: string): string => `${PREFIX}:published:${drillId}`;
const PENDING_SECONDS = 7 * 24 * 60 * 60;

/** Over a connection for commands, which the caller closes after this. */
export function createReceiptQueue(redis: Redis): ReceiptQueue {
  const queue = new Queue(RECEIPTS, { connection: redis, prefix: PREFIX });
  queue.on('error', () => {});
  const publish = async (message: ReceiptJob): Promise<void> => {
    const jobId = jobIdOf(message);
    const pending = pendingKey(drillIdOf(message));
    await redis.multi().sadd(pending, jobId).expire(pending, PENDING_SECONDS).exec();
    await queue.add(message.type, receiptJobSchema.parse(message), { ...UNTIL_DONE, jobId });
  };
  const holds = async (drillId: string): Promise<boolean> => {
    const jobIds = await redis.smembers(pendingKey(drillId));
    const jobs = await Promise.all(jobIds.map((jobId) => readJob(queue, jobId)));
    return jobs.some((job) => job !== undefined);
  };
  return {
    publish: (message) => orUnavailable(publish(message), 'publishing a receipt'),
    holds: (drillId) => orUnavailable(holds(drillId), 'looking for a receipt on its way'),
    close: () => queue.close(),
  };
}

function drillIdOf(message: ReceiptJob): string {
  return message.type === 'receipt' ? message.drill_id : message.plan.drill_id;
}

/** Two tries are two messages: should the first not verify, the second counts. */
function jobIdOf(message: ReceiptJob): string {
  return message.type === 'receipt'
    ? `${message.drill_id}.${message.attempt}`
    : `${message.plan.drill_id}.${message.reason}`;
}
