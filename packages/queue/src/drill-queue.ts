import type { Plan } from '@muster/core';

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
  /** Every drill that is queued, waiting for its next try, or running, in all pools. */
  list(): Promise<readonly QueuedDrill[]>;
  /** Takes a drill that is not running out of its queue. */
  remove(drillId: string): Promise<'removed' | 'running' | 'absent'>;
  /** Drills that BullMQ gave up, because their workers died too often. They stay until {@link forget}. */
  abandoned(): Promise<readonly Plan[]>;
  /** After its receipt is stored: an abandoned drill leaves the queue. */
  forget(drillId: string): Promise<void>;
  close(): Promise<void>;
}

export interface AddOptions {
  /** Starts so many ms from now at the earliest (jitter). */
  readonly delayMs?: number;
  /** At most one drill with this key is queued or running at a time: slug and schedule, for `overrun: skip`. */
  readonly unlessRunning?: string;
}

export interface QueuedDrill {
  readonly plan: Plan;
  /** `delayed`: by jitter, for room, for a lease or between two tries. `abandoned`: see {@link DrillQueue.abandoned}. */
  readonly state: 'waiting' | 'delayed' | 'active' | 'abandoned';
  readonly queuedAt: Date;
}

/** One try of a drill, handed to a worker. */
export interface DrillDelivery {
  readonly plan: Plan;
  /** Rises with every start, also those that came to nothing: fences one try from another. */
  readonly attempt: number;
}

/** What becomes of a drill when a worker is through with this delivery. */
export type Disposition =
  /** Its receipt is published: it leaves the queue. */
  | { readonly type: 'done' }
  /** Again, after so many ms at the earliest, by any worker of the pool. */
  | { readonly type: 'later'; readonly afterMs: number };

export interface DrillConsumerOptions {
  readonly pool: string;
  readonly concurrency: number;
  /**
   * One try. `signal` aborts when the lock on the job is lost: another worker may have the drill then, and whatever is
   * returned is dropped. It does not throw; if it does, the drill is delivered again after 30 s and `onError` is told.
   */
  readonly handle: (delivery: DrillDelivery, signal: AbortSignal) => Promise<Disposition>;
  readonly onError: (error: Error) => void;
}

/** Takes drills of a pool: lock 20 s, stalled sweep every 5 s, so that a dead worker's drill is taken over within 30 s. */
export interface DrillConsumer {
  /** Resolves when it takes drills. */
  readonly ready: Promise<void>;
  /** Takes nothing new; resolves when what runs has returned. */
  close(): Promise<void>;
}
