import type { Attempt, Reason } from '@muster/core';

/**
 * What is known of a drill while it is under way: one hash a drill, `muster:drill:<id>`, which lives for 7 days after
 * the last change. Each try has a field of its own, so that a worker that wakes up late overwrites nobody's.
 */
export interface DrillStates {
  beginAttempt(
    drillId: string,
    attempt: number,
    begun: { readonly worker: string; readonly at: Date },
  ): Promise<void>;
  endAttempt(
    drillId: string,
    attempt: number,
    ended: { readonly at: Date; readonly outcome: 'error' | 'returned'; readonly reason?: Reason },
  ): Promise<void>;
  /** In order; one that never ended is `lost`. */
  attempts(drillId: string): Promise<readonly Attempt[]>;

  /** Durable: whoever takes the drill later sees it. Also tells the worker that has it now. */
  requestCancel(drillId: string, by: string): Promise<void>;
  cancelRequested(drillId: string): Promise<boolean>;
  /** Calls back for each drill that somebody asks to cancel, from now on; resolves when it listens. */
  onCancel(listener: (drillId: string) => void): Promise<Subscription>;

  /** Why it does not start, since when; cleared by {@link beginAttempt}. @returns since when it waits for that. */
  waitsFor(drillId: string, why: WaitReason, now: Date): Promise<Date>;
  waiting(drillId: string): Promise<{ readonly why: WaitReason; readonly since: Date } | undefined>;

  /** The receipt is stored: what is left may go (after an hour, for those who look). */
  settle(drillId: string): Promise<void>;
}

/** `room: …` names what is short. */
export type WaitReason =
  | { readonly type: 'room'; readonly short: 'memory' | 'disk' | 'pids'; readonly host: string }
  | { readonly type: 'lease'; readonly lease: string };

export interface Subscription {
  close(): Promise<void>;
}
