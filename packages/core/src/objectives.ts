import type { z } from 'zod';
import type { promiseSchema } from './promise-schema.js';
import type { Predicate } from './statement.js';

/** What the owner of a source promised: durations in ms. */
export interface Objectives {
  /** Within this its data is back: fetched and restored. */
  readonly rtoMs?: number;
  /** No more than this of the newest data is lost: the newest backup is not older. */
  readonly rpoMs?: number;
  /** Which of them a drill fails for: `rpo`, both, or neither. */
  readonly enforce: 'rpo' | 'all' | 'none';
}

/** As plans have them, and receipts with the verdicts beside: in seconds. */
export type PlannedObjectives = z.infer<typeof promiseSchema>;

export function plannedObjectives({ rtoMs, rpoMs, enforce }: Objectives): PlannedObjectives {
  return {
    enforce,
    ...(rtoMs !== undefined && { rto_s: rtoMs / 1000 }),
    ...(rpoMs !== undefined && { rpo_s: rpoMs / 1000 }),
  };
}

/** What was promised, without what came of it. */
export const promised = ({ enforce, rto_s, rpo_s }: PlannedObjectives): PlannedObjectives => ({
  enforce,
  ...(rto_s !== undefined && { rto_s }),
  ...(rpo_s !== undefined && { rpo_s }),
});

/** What a drill measured, as its receipt has it. */
export type Measured = Pick<Predicate, 'phases' | 'restore' | 'newest_backup' | 'recovery' | 'backup'>;

/**
 * How long it took to have the data back, in ms: fetched and restored. Undefined where it was not, and where most of it
 * was there before: so it will not be on the day that it is needed.
 */
export function measuredRto({ phases, restore }: Measured): number | undefined {
  if (restore === undefined || restore.delta?.volume === 'kept') return undefined;
  const fetched = phases.findLast(({ name, outcome }) => name === 'fetch' && outcome === 'done');
  return (fetched?.duration_ms ?? 0) + restore.duration_ms;
}

/**
 * How old the newest data was that is known to be restorable when the drill looked for a backup, in ms: what would have
 * been lost. That is the newest backup, whichever the drill restored; and where WAL was replayed, the newest commit in it.
 * Undefined where there was none, and of a live source, which keeps none.
 */
export function measuredRpo({ phases, newest_backup: newest, recovery }: Measured): number | undefined {
  const located = phases.findLast(({ name }) => name === 'locate');
  if (newest === undefined || located === undefined) return undefined;
  const times = [newest.created_at, recovery?.last_commit_before, recovery?.first_commit_after];
  const made = Math.max(...times.flatMap((time) => (time === undefined ? [] : [Date.parse(time)])));
  return Math.max(0, Date.parse(located.started_at) - made);
}

/** Whether there may be newer data than was measured: WAL that this drill did not replay. */
const mayBeNewer = ({ backup, recovery }: Measured): boolean =>
  backup?.format?.startsWith('pgbackrest-') === true && recovery?.target.kind !== 'latest';

/** The objectives with what came of them; one that could not be measured has no verdict. */
export function judgeObjectives(
  planned: PlannedObjectives,
  measured: Measured,
): NonNullable<Predicate['objectives']> {
  const [rto, rpo] = [measuredRto(measured), measuredRpo(measured)];
  const rpoMet = rpo !== undefined && planned.rpo_s !== undefined && rpo <= planned.rpo_s * 1000;
  return {
    ...planned,
    ...(planned.rto_s !== undefined && rto !== undefined && { rto_met: rto <= planned.rto_s * 1000 }),
    ...(planned.rpo_s !== undefined &&
      rpo !== undefined &&
      (rpoMet || !mayBeNewer(measured)) && { rpo_met: rpoMet }),
  };
}

/** Why a drill that would have passed fails: an objective that was missed, and is enforced. */
export function missedObjective(
  objectives: Predicate['objectives'],
): 'rpo_missed' | 'rto_missed' | undefined {
  if (objectives === undefined || objectives.enforce === 'none') return undefined;
  if (objectives.rpo_met === false) return 'rpo_missed';
  return objectives.enforce === 'all' && objectives.rto_met === false ? 'rto_missed' : undefined;
}
