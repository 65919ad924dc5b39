import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { orUnavailable } from './connection.js';
import { type TakeJob, takeJobSchema } from './jobs.js';
import { PREFIX, takesQueue } from './names.js';
import { rememberPool } from './pools.js';
import { readJob } from './read-job.js';

/** The queues of takes, one a pool. @throws `redis_unavailable` within 10 s. */
export interface TakeQueue {
  /** Queues a take under its id. `exists`: it is queued or running already. */
  add(take: TakeJob): Promise<'queued' | 'exists'>;
  /** Whether the queue of this pool has the take, and whether a worker has it now. */
  state(pool: string, takeId: string): Promise<'open' | 'active' | 'absent'>;
  close(): Promise<void>;
}

/** Over a connection for commands, which the caller closes after this. */
export function createTakeQueue(redis: Redis): TakeQueue {
  const queues = new Map<string, Queue>();
  const queueOf = (pool: string): Queue => {
    const known = queues.get(pool);
    if (known !== undefined) return known;
    const queue = new Queue(takesQueue(pool), { connection: redis, prefix: PREFIX });
    queue.on('error', () => {});
    queues.set(pool, queue);
    return queue;
  };
  return {
    add: (take) => orUnavailable(add(redis, queueOf(take.pool), take), 'queueing a take'),
    state: (pool, takeId) => orUnavailable(stateOf(queueOf(pool), takeId), 'looking for a take'),
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

async function add(redis: Redis, queue: Queue, take: TakeJob): Promise<'queued' | 'exists'> {
  await rememberPool(redis, 'takes', take.pool);
  const exists = (await readJob(queue, take.id)) !== undefined;
  await queue.add('take', takeJobSchema.parse(take), {
    jobId: take.id,
    removeOnComplete: true,
    removeOnFail: false,
    telemetry: { omitContext: true },
  });
  return exists ? 'exists' : 'queued';
}

async function stateOf(queue: Queue, takeId: string): Promise<'open' | 'active' | 'absent'> {
  const state = await (await readJob(queue, takeId))?.getState();
  if (state === undefined || state === 'unknown' || state === 'completed' || state === 'failed')
    return 'absent';
  return state === 'active' ? 'active' : 'open';
}
