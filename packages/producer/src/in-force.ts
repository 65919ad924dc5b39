import { isDeepStrictEqual } from 'node:util';
import type { Config, Schedule, Source, Take, TakeSchedule } from '@muster/core';
import type { EvidenceStore } from '@muster/evidence';
import { type ConfigOrigin, type ScheduleEntry, scheduleKey, takeScheduleName } from '@muster/queue';
import type { ReadConfig } from './producer-ports.js';

/** The configuration that this producer works by, with what is looked up in it all the time. */
export interface InForce {
  readonly read: ReadConfig;
  readonly origin: ConfigOrigin;
  readonly store: EvidenceStore;
  readonly entries: readonly ScheduleEntry[];
  /** By {@link scheduleKey}. */
  readonly scheduled: ReadonlyMap<string, Scheduled>;
  /** The same of takes. */
  readonly takes: ReadonlyMap<string, ScheduledTake>;
}

export interface ScheduledTake {
  readonly key: string;
  readonly source: Source;
  readonly take: Take;
  readonly schedule: TakeSchedule;
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
  const takes = read.config.sources.flatMap((source) =>
    (source.take?.schedules ?? []).flatMap((schedule) => {
      const name = takeScheduleName(schedule.name);
      return source.take === undefined
        ? []
        : [{ key: scheduleKey(source.slug, name), source, take: source.take, schedule }];
    }),
  );
  return {
    read,
    origin,
    store: openStore(read.config),
    entries: [
      ...all.map(({ source, schedule }) => ({ slug: source.slug, schedule })),
      ...takes.map(({ source, schedule: { name, cron, tz } }) => ({
        slug: source.slug,
        schedule: { name: takeScheduleName(name), cron, tz },
      })),
    ],
    scheduled: new Map(all.map((one) => [one.key, one])),
    takes: new Map(takes.map((one) => [one.key, one])),
  };
}

export interface Difference<T> {
  /** As they were: changed, or gone. */
  readonly ending: readonly T[];
  /** As they will be: changed, or new. */
  readonly beginning: readonly T[];
}

/** The schedules that are due at other times, or not at all, after a change of the configuration. */
export const differenceOf = (before: InForce, after: InForce): Difference<Scheduled> =>
  differenceIn(before.scheduled, after.scheduled);

/** The same of takes. */
export const takeDifferenceOf = (before: InForce, after: InForce): Difference<ScheduledTake> =>
  differenceIn(before.takes, after.takes);

type ByKey<T> = ReadonlyMap<string, T>;
type Timed = { readonly key: string; readonly schedule: Pick<Schedule, 'cron' | 'tz'> };

function differenceIn<T extends Timed>(before: ByKey<T>, after: ByKey<T>): Difference<T> {
  const without = (some: ByKey<T>, others: ByKey<T>) =>
    [...some.values()].filter((one) => {
      const other = others.get(one.key)?.schedule;
      return other === undefined || other.cron !== one.schedule.cron || other.tz !== one.schedule.tz;
    });
  return { ending: without(before, after), beginning: without(after, before) };
}

/** How many sources a change of the configuration concerns, their checks included; `before` is absent at the start. */
export function sourceChanges(
  before: InForce | undefined,
  after: InForce,
): { readonly sources_added: number; readonly sources_changed: number; readonly sources_removed: number } {
  const old = new Map((before?.read.config.sources ?? []).map((source) => [source.slug, source]));
  const { sources } = after.read.config;
  const kept = sources.filter(({ slug }) => old.has(slug));
  return {
    sources_added: sources.length - kept.length,
    sources_changed: kept.filter((source) => !isDeepStrictEqual(source, old.get(source.slug))).length,
    sources_removed: old.size - kept.length,
  };
}
