import type { Plan } from '@muster/core';
import { type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { drillJobSchema } from './jobs.js';
import { drillsQueue, PREFIX } from './names.js';
import { everyPool, rememberPool } from './pools.js';
import { readJob, readJobs, tellJobs } from './read-job.js';

/**
 * The queues of drills, one a pool. Every method throws `redis_unavailable` within 10 s where Redis does not answer, and
 * then nothing or everything was done.
 */
export interface DrillQueue {
  /**
   * Queues a drill whose plan lies in the evidence store, under the drill's id.
   * @returns `exists` where this drill is queued or running already; `overrun` where `unlessRunning` is held by another
   *   drill, and nothing was queued.
   */
  add(plan: Plan, options?: AddOptions): Promise<'queued' | 'exists' | 'overrun'>;
  /** Undefined where no queue holds the drill (any more). */
  find(drillId: string): Promise<QueuedDrill | undefined>;
  /**
   * Every drill that is queued, waiting for its next try, or running, in all pools. `most`: of each pool and state no more
   * than the newest so many.
   */
  list(most?: number): Promise<readonly QueuedDrill[]>;
  /** Takes a drill that is not running out of its queue. */
  remove(drillId: string): Promise<'removed' | 'running' | 'absent'>;
  /** Drills that BullMQ gave up, because their workers died too often. They stay until {@link forget}. */
  abandoned(): Promise<readonly AskedDrill[]>;
  /** Somebody paused the queue of this pool: no worker takes its drills. */
  isHeld(pool: string): Promise<boolean>;
  /** How full the queue of each pool is, without reading its drills. */
  depths(): Promise<readonly PoolDepth[]>;
  /** After its receipt is stored: an abandoned drill leaves the queue. */
  forget(drillId: string): Promise<void>;
  close(): Promise<void>;
}

export interface AddOptions {
  /** Starts so many ms from now at the earliest (jitter). */
  readonly delayMs?: number;
  /** At most one drill with this key is queued or running at a time: slug and schedule, for `overrun: skip`. */
  readonly unlessRunning?: string;
  /** Of whoever asks, for the trace of the drill. */
  readonly traceparent?: string | undefined;
}

export interface AskedDrill {
  readonly plan: Plan;
  /** As {@link AddOptions.traceparent}; it may be anything. */
  readonly traceparent?: string | undefined;
}

export interface PoolDepth {
  readonly pool: string;
  readonly depth: Readonly<Record<QueuedDrill['state'], number>>;
  /**
   * Since when the oldest drill might have run: of those that workers put off (for room, a key, a lease, a next try), and
   * the one that a worker takes next. Absent where there is none; jitter is no wait.
   */
  readonly oldestWaiting?: Date;
}

export interface QueuedDrill extends AskedDrill {
  /** `delayed`: by jitter, for room, for a lease or between two tries. `abandoned`: see {@link DrillQueue.abandoned}. */
  readonly state: 'waiting' | 'delayed' | 'active' | 'abandoned';
  /** It waits in a queue that somebody paused: no worker takes it. */
  readonly isHeld?: true;
  /** No worker has had it since; its jitter is over then. */
  readonly idleSince: Date;
}

/** Over a connection for commands, which the caller closes after this. */
export function createDrillQueue(redis: Redis): DrillQueue {
  const queues = new Map<string, Queue>();
  const queueOf = (pool: string): Queue => {
    const known = queues.get(pool);
    if (known !== undefined) return known;
    const queue = new Queue(drillsQueue(pool), { connection: redis, prefix: PREFIX });
    queue.on('error', () => {});
    queues.set(pool, queue);
    return queue;
  };
  const everyQueue = async (): Promise<readonly Queue[]> => (await everyPool(redis, 'drills')).map(queueOf);
  const find = async (drillId: string): Promise<{ readonly queue: Queue; readonly job: Job } | undefined> => {
    for (const queue of await everyQueue()) {
      const job = await readJob(queue, drillId);
      if (job !== undefined) return { queue, job };
    }
    return undefined;
  };
  const jobOf = async (drillId: string): Promise<Job | undefined> => (await find(drillId))?.job;
  return {
    add: (plan, options = {}) =>
      orUnavailable(add(redis, queueOf(plan.pool), plan, options), 'queueing a drill'),
    find: (drillId) =>
      orUnavailable(
        find(drillId).then(async (found) => found && describe(found.job, await found.queue.isPaused())),
        'looking for a drill',
      ),
    list: (most) =>
      orUnavailable(
        everyQueue().then(async (all) => (await Promise.all(all.map((queue) => listOf(queue, most)))).flat()),
        'listing drills',
      ),
    remove: (drillId) =>
      orUnavailable(
        jobOf(drillId).then((job) => (job === undefined ? 'absent' : remove(job))),
        'taking a drill out of its queue',
      ),
    abandoned: () =>
      orUnavailable(
        everyQueue().then(async (all) => {
          const failed = await Promise.all(all.map((queue) => readJobs(queue, ['failed'])));
          return failed.flat().flatMap((job) => askedOf(job) ?? []);
        }),
        'looking for abandoned drills',
      ),
    isHeld: (pool) => orUnavailable(queueOf(pool).isPaused(), 'looking at the queue of a pool'),
    depths: () =>
      orUnavailable(
        everyPool(redis, 'drills').then((pools) =>
          Promise.all(pools.map((pool) => depthOf(pool, queueOf(pool)))),
        ),
        'counting drills',
      ),
    forget: (drillId) =>
      orUnavailable(
        jobOf(drillId).then(async (job) => {
          if (job !== undefined && (await job.isFailed())) await job.remove();
        }),
        'forgetting an abandoned drill',
      ),
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

async function add(
  redis: Redis,
  queue: Queue,
  plan: Plan,
  { delayMs, unlessRunning, traceparent }: AddOptions,
): Promise<'queued' | 'exists' | 'overrun'> {
  await rememberPool(redis, 'drills', plan.pool);
  if ((await readJob(queue, plan.drill_id)) !== undefined) return 'exists';
  const job = await queue.add('drill', drillJobSchema.parse({ plan, ...(traceparent && { traceparent }) }), {
    jobId: plan.drill_id,
    ...(delayMs !== undefined && delayMs > 0 && { delay: delayMs }),
    ...(unlessRunning !== undefined && { deduplication: { id: unlessRunning } }),
    removeOnComplete: true,
    removeOnFail: false,
  });
  // With deduplication, BullMQ answers with the job that holds the key, and ours never exists.
  return job.id === plan.drill_id ? 'queued' : 'overrun';
}

const STATES = {
  waiting: 'waiting',
  'waiting-children': 'waiting',
  prioritized: 'waiting',
  delayed: 'delayed',
  active: 'active',
  failed: 'abandoned',
} as const satisfies Readonly<Record<string, QueuedDrill['state']>>;

async function listOf(queue: Queue, most: number | undefined): Promise<readonly QueuedDrill[]> {
  const isPaused = await queue.isPaused();
  const range = { end: most === undefined ? -1 : most - 1 };
  return await tellJobs(queue, ['waiting', 'delayed', 'active', 'failed'], range, (job) =>
    describe(job, isPaused),
  );
}

/** Undefined where it is over by now, or is no drill of ours. */
async function describe(job: Job, isPaused: boolean): Promise<QueuedDrill | undefined> {
  const asked = askedOf(job);
  const found = await job.getState();
  if (asked === undefined || !(found in STATES)) return undefined;
  const state = STATES[found as keyof typeof STATES];
  const idleSince = new Date(Math.max(dueAt(job), job.processedOn ?? 0));
  return { ...asked, state, ...(isPaused && state === 'waiting' && { isHeld: true }), idleSince };
}

/** Undefined for a job that no worker takes either: it is not its own drill's. */
function askedOf(job: Job): AskedDrill | undefined {
  const asked = drillJobSchema.safeParse(job.data).data;
  return asked?.plan.drill_id === job.id ? asked : undefined;
}

/** Of the delayed, those that are due first: what a worker put off comes again within two minutes. */
const LOOKED_AT = 200;

/** When it may run at first, in Unix ms. */
const dueAt = (job: Job): number => job.timestamp + (job.opts.delay ?? 0);

async function depthOf(pool: string, queue: Queue): Promise<PoolDepth> {
  const [counts, [next], delayedJobs] = await Promise.all([
    queue.getJobCounts('waiting', 'delayed', 'active', 'failed'),
    queue.getRanges(['waiting'], 0, 0, true),
    readJobs(queue, ['delayed'], { end: LOOKED_AT - 1, oldestFirst: true }),
  ]);
  const { waiting = 0, delayed = 0, active = 0, failed: abandoned = 0 } = counts;
  const waitingJob = next === undefined ? undefined : await readJob(queue, next);
  const late = [
    ...(waitingJob === undefined ? [] : [waitingJob]),
    ...delayedJobs.filter((job) => job.attemptsStarted > 0),
  ];
  return {
    pool,
    depth: { waiting, delayed, active, abandoned },
    ...(late.length > 0 && { oldestWaiting: new Date(Math.min(...late.map(dueAt))) }),
  };
}

async function remove(job: Job): Promise<'removed' | 'running' | 'absent'> {
  try {
    await job.remove();
    return 'removed';
  } catch (error) {
    const state = await job.getState();
    if (state === 'active') return 'running';
    if (state === 'unknown' || state === 'completed') return 'absent';
    throw error;
  }
}
