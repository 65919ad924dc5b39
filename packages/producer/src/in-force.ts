import type { Config, Schedule, Source } from '@muster/core';
import type { EvidenceStore } from '@muster/evidence';
import { type ConfigOrigin, type ScheduleEntry, scheduleKey } from '@muster/queue';
import type { ReadConfig } from './producer-ports.js';

/** The configuration that this producer works by, with what is looked up in it all the time. */
export interface InForce {
  readonly read: ReadConfig;
  readonly origin: ConfigOrigin;
  readonly store: EvidenceStore;
  readonly entries: readonly ScheduleEntry[];
  /** By {@link scheduleKey}. */
  readonly scheduled: ReadonlyMap<string, Scheduled>;
}

export interface Scheduled {
  readonly key: string;
  readonly source: Source;
  readonly schedule: Schedule;
}

export function inForceOf(
  read: ReadConfig,
  origin: ConfigOrigin,
  openStore: (config: Config) => EvidenceStore,
): InForce {
  const all = read.config.sources.flatMap((source) =>
    source.schedules.map((schedule) => ({
      key: scheduleKey(source.slug, schedule.name),
      source,
      schedule,
    })),
  );
  return {
    read,
    origin,
    store: openStore(read.config),
    entries: all.map(({ source, schedule }) => ({ slug: source.slug, schedule })),
    scheduled: new Map(all.map((one) => [one.key, one])),
  };
}

export interface Difference {
  /** As they were: changed, or gone. */
  readonly ending: readonly Scheduled[];
  /** As they will be: changed, or new. */
  readonly beginning: readonly Scheduled[];
}

/** The schedules that are due at other times, or not at all, after a change of the configuration. */
export function differenceOf(before: InForce, after: InForce): Difference {
  const without = (some: InForce, others: InForce) =>
    [...some.scheduled.values()].filter((one) => {
      const other = others.scheduled.get(one.key)?.schedule;
      return other === undefined || other.cron !== one.schedule.cron || other.tz !== one.schedule.tz;
    });
  return { ending: without(before, after), beginning: without(after, before) };
}
