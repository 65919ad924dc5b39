import type { Schedule } from '@muster/core';

/** A schedule of a source. */
export interface ScheduleEntry {
  readonly slug: string;
  readonly schedule: Schedule;
}

export interface Synced {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
}

/** One due time of a schedule. */
export interface Tick {
  readonly slug: string;
  readonly schedule: string;
  readonly due: Date;
}

/** Job Schedulers of the queue `ticks`, one per source and schedule. @throws `redis_unavailable`. */
export interface Schedules {
  /** Adds what is new, changes only what changed (an upsert would delete a due tick), removes what is gone. */
  sync(entries: readonly ScheduleEntry[]): Promise<Synced>;
  /** True if `ticks` still holds the tick of this due time, in whatever state: it will be handled. */
  holds(tick: Tick): Promise<boolean>;
  /**
   * Up to when every due time of a schedule has a plan. Undefined for one that is new, or after Redis was wiped.
   * `muster:accounted`, a hash.
   */
  accounted(): Promise<ReadonlyMap<string, Date>>;
  account(
    entries: readonly { readonly slug: string; readonly schedule: string; readonly until: Date }[],
  ): Promise<void>;
  close(): Promise<void>;
}

export interface TickConsumerOptions {
  readonly concurrency: number;
  /** The tick is done when it resolves; where it throws, it comes again, 1 s to 30 s later, for ever. */
  readonly handle: (tick: Tick) => Promise<void>;
  readonly onError: (error: Error) => void;
}

export interface TickConsumer {
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** How a schedule is named in keys: slug and name have no slash in them. */
export const scheduleKey = (slug: string, schedule: string): string => `${slug}/${schedule}`;
