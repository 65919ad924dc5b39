import type { Plan } from '@muster/core';
import { type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { type ReceiptJob, receiptJobSchema } from './jobs.js';
import { PREFIX, RECEIPTS } from './names.js';
import { publicReason } from './public-job.js';
import { readJob, readJobs } from './read-job.js';
import { UNTIL_DONE } from './retry-delay.js';

/** The queue of results, from workers (and from whoever finds that a drill has none) to the sink. */
export interface ReceiptQueue {
  /** Durable in Redis when it resolves; the same message twice is one. @throws `redis_unavailable`. */
  publish(message: ReceiptJob): Promise<void>;
  /** True if something was published for this drill that the sink has not finished with. */
  holds(drillId: string): Promise<boolean>;
  /** What was. */
  find(drillId: string): Promise<PendingReceipt | undefined>;
  /** Drills of which something was published that the sink has not finished with: of thousands, the newest. */
  list(): Promise<readonly PendingReceipt[]>;
  /** What one of those met that a sink took and could not keep: a code. Undefined where sinks keep what they take. */
  trouble(): Promise<string | undefined>;
  /** How many sinks have not finished with, and since when the oldest of them (of thousands, of those that come next) is there. */
  depth(): Promise<ReceiptDepth>;
  close(): Promise<void>;
}

export interface ReceiptDepth {
  readonly waiting: number;
  /** Absent where none waits. */
  readonly oldest?: Date;
}

/** A receipt on its way, or the wish for one. */
interface PendingReceipt {
  readonly drillId: string;
  readonly source: string;
  /** A worker's receipt says it inside. */
  readonly pool?: string;
  /** What a sink met when it last took it, and could not keep it: a code. */
  readonly trouble?: string;
  readonly trigger?: Plan['trigger'];
  /** W3C Trace Context; it may be anything. */
  readonly traceparent?: string;
}

/** A sink that was away for long has more to do than anybody reads. */
const MOST_LISTED = 1_000;
/** What keeps one from being kept mostly keeps the others, too. */
const LOOKED_AT = 20;

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
  const jobsOf = async (drillId: string): Promise<readonly Job[]> => {
    const jobIds = await redis.smembers(pendingKey(drillId));
    return (await Promise.all(jobIds.map((jobId) => readJob(queue, jobId)))).flatMap((job) => job ?? []);
  };
  const list = async (): Promise<readonly PendingReceipt[]> => {
    const jobs = await readJobs(queue, ['active', 'waiting', 'delayed'], { end: MOST_LISTED - 1 });
    return [...new Map(jobs.flatMap(pendingOf).map((one) => [one.drillId, one])).values()];
  };
  // One that comes again is delayed, but for the moment of its next try.
  const trouble = async (): Promise<string | undefined> => {
    const jobs = await readJobs(queue, ['delayed', 'active'], { end: LOOKED_AT - 1 });
    return jobs.flatMap((job) => troubleOf(job) ?? [])[0];
  };
  const depth = async (): Promise<ReceiptDepth> => {
    const states = ['active', 'waiting', 'delayed'] as const;
    const [counts, ids] = await Promise.all([
      queue.getJobCounts(...states),
      queue.getRanges([...states], 0, MOST_LISTED - 1, true),
    ]);
    // Of each no more than its time: a receipt may be large.
    const times = redis.pipeline();
    for (const id of ids) times.hget(queue.toKey(id), 'timestamp');
    const published = ((await times.exec()) ?? []).flatMap(([, at]) => (at ? [Number(at)] : []));
    const waiting = states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
    return { waiting, ...(published.length > 0 && { oldest: new Date(Math.min(...published)) }) };
  };
  return {
    publish: (message) => orUnavailable(publish(message), 'publishing a receipt'),
    holds: (drillId) =>
      orUnavailable(
        jobsOf(drillId).then((jobs) => jobs.length > 0),
        'looking for a receipt on its way',
      ),
    find: (drillId) =>
      orUnavailable(
        jobsOf(drillId).then((jobs) => jobs.flatMap(pendingOf)[0]),
        'looking for a receipt on its way',
      ),
    list: () => orUnavailable(list(), 'listing receipts on their way'),
    trouble: () => orUnavailable(trouble(), 'looking for receipts that could not be kept'),
    depth: () => orUnavailable(depth(), 'counting receipts on their way'),
    close: () => queue.close(),
  };
}

const troubleOf = ({ failedReason }: Job): string | undefined =>
  failedReason ? publicReason(failedReason) : undefined;

/** None where it is no message of Muster. */
function pendingOf(job: Job): readonly PendingReceipt[] {
  const message = receiptJobSchema.safeParse(job.data).data;
  if (message === undefined) return [];
  const drillId = drillIdOf(message);
  const trouble = troubleOf(job);
  const more = {
    ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
    ...(trouble && { trouble }),
  };
  if (message.type === 'receipt') return [{ drillId, source: message.source, ...more }];
  const { source, pool, trigger } = message.plan;
  return [{ drillId, source: source.slug, pool, trigger, ...more }];
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
