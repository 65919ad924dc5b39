import type { Take } from './config/config.js';
import { duesBetween } from './dues.js';
import type { KnownTake } from './known-take.js';

export const TAKE_FINDINGS = ['always_backing_up', 'never_met'] as const;

/** What is wrong with how backups of a source are taken, though no single take says so. */
export interface TakeFinding {
  readonly code: (typeof TAKE_FINDINGS)[number];
  /** The schedule of takes that it is about; absent where it is all of them. */
  readonly schedule?: string;
  /** For people. */
  readonly message: string;
}

/** So many of the newest takes that were due are looked at. */
const LOOKED_AT = 6;
/** Fewer say nothing. */
const FEWEST = 4;
/** A schedule whose last so many due times brought no backup is never met. */
const NOT_MET = 3;
/** A take may begin so much later than it is due. */
const GRACE_MS = 60_000;

/** What is known of the takes of one source. */
export interface TakesSeen {
  readonly take: Pick<Take, 'schedules' | 'pool'>;
  readonly takes: readonly KnownTake[];
  /** Up to when each due time of a schedule was answered; undefined where that is not known. */
  readonly accounted: (schedule: string) => Date | undefined;
  readonly now: Date;
}

export function takeFindings({ take, takes, accounted, now }: TakesSeen): readonly TakeFinding[] {
  const due = takes
    .filter(({ trigger }) => trigger.kind === 'schedule')
    .toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const unmet = take.schedules.flatMap((schedule): TakeFinding[] => {
    const own = due.filter(({ trigger }) => trigger.schedule === schedule.name);
    const newest = own[0] === undefined ? undefined : new Date(own[0].due_at);
    const since = latest(accounted(schedule.name), newest);
    const horizon = new Date(now.getTime() - GRACE_MS);
    const missed = since === undefined ? 0 : atMost(NOT_MET, duesBetween(schedule, since, horizon));
    const lastGood = own.findIndex(({ outcome }) => outcome === 'taken');
    const after = lastGood === -1 ? own : own.slice(0, lastGood);
    if (missed + after.filter(isUnmet).length < NOT_MET) return [];
    const message = `Of the schedule of takes "${schedule.name}" the last ${NOT_MET} due times or more brought no backup: see why its takes fail, and whether a worker of the pool ${take.pool} runs.`;
    return [{ code: 'never_met', schedule: schedule.name, message }];
  });
  return [...backingUp(due), ...unmet];
}

function backingUp(due: readonly KnownTake[]): readonly TakeFinding[] {
  const recent = due.slice(0, LOOKED_AT);
  const hindered = recent.filter(
    ({ reason, waits_since: waits }) => reason === 'take_overrun' || waits !== undefined,
  );
  if (recent.length < FEWEST || hindered.length * 2 < recent.length) return [];
  const message = `It is always backing up: of the last ${recent.length} takes that were due, ${hindered.length} were skipped or had to wait, for the one before was not over. Take backups less often, or make them quicker.`;
  return [{ code: 'always_backing_up', message }];
}

/** It was due, and nothing came of it; that another take ran at the time is a finding of its own. */
const isUnmet = ({ state, outcome, reason }: KnownTake): boolean =>
  state === 'queued' ||
  state === 'waiting' ||
  outcome === 'failed' ||
  (outcome === 'skipped' && reason !== 'take_overrun');

const latest = (a: Date | undefined, b: Date | undefined): Date | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a;

function atMost(most: number, dues: Iterable<Date>): number {
  let count = 0;
  for (const _ of dues) {
    count += 1;
    if (count === most) break;
  }
  return count;
}
