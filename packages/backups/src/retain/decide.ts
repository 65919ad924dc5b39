import { isFuture, type Retain } from '@muster/core';
import type { Backup } from '../repository.js';
import { agesOf } from './ages.js';
import { type DrillFacts, mayRead } from './drill-facts.js';

/** Why a backup is kept: the first that holds. `newer`: a set of pgBackRest, which expires the oldest first. */
export type KeptFor =
  | 'writing'
  | 'not_musters'
  | 'future'
  | 'newest'
  | 'count'
  | 'days'
  | 'passed'
  | 'drill'
  | 'unproven'
  | 'newer';

/** What is kept, or goes where `kept` is absent. */
export interface Decision {
  readonly backup: Backup;
  readonly kept?: {
    readonly why: KeptFor;
    /** The drill that may be reading it, or why it is not Muster's. */
    readonly detail?: string;
  };
}

export interface Candidate {
  readonly backup: Backup;
  readonly own: Ownership;
}

/** What proves a backup to be Muster's own (the digest in its record), or why nothing does. */
export type Ownership = { readonly sha256: string } | { readonly notBecause: string };

export interface Deciding {
  readonly retain: Retain;
  readonly drills: DrillFacts;
  readonly now: Date;
  /** How long a take may last, ms. */
  readonly takeMs: number;
  /** A person said so: also where none of the backups has passed a drill. */
  readonly unproven: boolean;
}

/** Which backups go, and why each of the others is kept. @param candidates - newest first. */
export function decide(candidates: readonly Candidate[], deciding: Deciding): readonly Decision[] {
  const { retain, drills, now, takeMs, unproven } = deciding;
  const whole = candidates.filter(({ backup }) => !backup.growing);
  // What is dated in the future says nothing about the age of the others.
  const own = whole.filter((one) => 'sha256' in one.own && !isFuture(one.backup.createdAt, now));
  const [newest] = own;
  const passed = own.find((one) => hasPassed(one, drills));
  const counted = new Set(own.slice(0, retain.count ?? 0));
  const ages = agesOf(
    own.map(({ backup }) => backup),
    retain.days,
    now,
  );
  const readable = whole.map(({ backup }) => backup);
  const readers = new Map(
    drills.open.flatMap((drill) =>
      mayRead(drill, readable, takeMs).map(({ id }) => [id, drill.drillId] as const),
    ),
  );

  const keptFor = (candidate: Candidate): Decision['kept'] => {
    const { backup, own: proof } = candidate;
    if (backup.growing) return { why: 'writing' };
    if ('notBecause' in proof) return { why: 'not_musters', detail: proof.notBecause };
    if (isFuture(backup.createdAt, now)) return { why: 'future' };
    if (candidate === newest) return { why: 'newest' };
    if (counted.has(candidate)) return { why: 'count' };
    if (ages.isWithin(backup)) return { why: 'days' };
    if (candidate === passed) return { why: 'passed' };
    const reader = readers.get(backup.id);
    if (reader !== undefined) return { why: 'drill', detail: reader };
    return passed === undefined && !unproven ? { why: 'unproven' } : undefined;
  };
  return candidates.map((candidate) => {
    const kept = keptFor(candidate);
    return { backup: candidate.backup, ...(kept && { kept }) };
  });
}

/** A drill of another file of the same name proves nothing of this one. */
function hasPassed({ backup, own }: Candidate, { passed }: DrillFacts): boolean {
  return passed.some(
    ({ id, sha256 }) =>
      id === backup.id && (sha256 === undefined || 'notBecause' in own || own.sha256 === sha256),
  );
}
