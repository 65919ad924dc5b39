import type { Heartbeat } from './worker-registry.js';

/** False where nobody would take a drill of this pool: a worker that drains takes nothing new. */
export const isServed = (workers: readonly Heartbeat[], pool: string): boolean =>
  workers.some((worker) => worker.pool === pool && worker.state === 'ready');

/** What to tell whoever asks for a drill of a pool that nobody serves: it waits for a day. Undefined where somebody does. */
export const lackOfWorkers = (workers: readonly Heartbeat[], pool: string): string | undefined =>
  isServed(workers, pool) ? undefined : `No worker serves the pool ${pool} now: the drill waits for one.`;

/** The same of a take. */
export const lackOfTakers = (workers: readonly Heartbeat[], pool: string): string | undefined =>
  isServed(workers, pool) ? undefined : `No worker serves the pool ${pool} now: the take waits for one.`;
