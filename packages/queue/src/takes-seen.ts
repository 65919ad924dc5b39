import { type KnownTake, type Source, type TakeFinding, takeFindings } from '@muster/core';
import type { Schedules } from './schedules.js';
import type { TakeHistory } from './take-history.js';
import { scheduleKey, takeScheduleName } from './tick.js';

export interface TakesSeenPorts {
  readonly takeHistory: Pick<TakeHistory, 'list'>;
  readonly schedules: Pick<Schedules, 'accounted'>;
  readonly now: () => Date;
}

export interface TakesSeen {
  /** Newest first. */
  readonly takes: readonly KnownTake[];
  readonly findings: readonly TakeFinding[];
  /** When the newest backup was there. */
  readonly lastTaken?: Date;
}

/** Of each of these sources that Muster takes backups of, what is known of its takes. @throws `redis_unavailable`. */
export async function takesSeen(
  { takeHistory, schedules, now }: TakesSeenPorts,
  sources: readonly Pick<Source, 'slug' | 'take'>[],
): Promise<ReadonlyMap<string, TakesSeen>> {
  const taken = sources.flatMap(({ slug, take }) => (take === undefined ? [] : [{ slug, take }]));
  if (taken.length === 0) return new Map();
  const [known, accounted] = await Promise.all([
    takeHistory.list(taken.map(({ slug }) => slug)),
    schedules.accounted(),
  ]);
  return new Map(
    taken.map(({ slug, take }) => {
      const takes = known.get(slug) ?? [];
      const last = takes.find(({ outcome }) => outcome === 'taken')?.ended_at;
      const since = (name: string) => accounted.get(scheduleKey(slug, takeScheduleName(name)));
      const findings = takeFindings({ take, takes, accounted: since, now: now() });
      return [slug, { takes, findings, ...(last && { lastTaken: new Date(last) }) }];
    }),
  );
}
