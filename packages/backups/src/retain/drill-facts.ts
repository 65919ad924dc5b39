import { drillTime, type RestorePoint, randomWindow, restoreTime } from '@muster/core';
import type { Backup } from '../repository.js';

/** What is known of the drills of a source, for whoever deletes its backups. */
export interface DrillFacts {
  /** Those that passed, as their drills name them. */
  readonly passed: readonly PassedBackup[];
  /** Drills that are not over: each may be reading a backup. */
  readonly open: readonly OpenDrill[];
}

/**
 * Looks at the drills of a source. `backups`: those that are there, newest first; whether the newest of them passed that did is told
 * at least. @throws where nobody can tell: nothing is deleted then.
 */
export type LookAtDrills = (
  backups: readonly Pick<Backup, 'id' | 'createdAt'>[],
  signal: AbortSignal,
) => Promise<DrillFacts>;

export interface PassedBackup {
  readonly id: string;
  /** Of what was drilled, where its drill tells. */
  readonly sha256?: string;
}

export interface OpenDrill {
  readonly drillId: string;
  /** Absent where it is not known: then it may be reading any. */
  readonly restorePoint?: RestorePoint;
}

/**
 * The backups that an open drill may be reading: whichever its restore point can have meant since it was asked for.
 * @param backups newest first. @param takeMs - how long after the time of a backup it may have come to its place.
 */
export function mayRead(
  { drillId, restorePoint: point }: OpenDrill,
  backups: readonly Backup[],
  takeMs: number,
): readonly Backup[] {
  const askedAt = drillTime(drillId);
  switch (point?.kind) {
    case 'latest':
      return newestSince(backups, askedAt, takeMs);
    case 'oldest':
      return backups.slice(-1);
    case 'id':
      return backups.filter(({ id }) => id === point.id);
    case 'time': {
      const by = restoreTime(point.time, askedAt);
      if (by === undefined) return backups;
      const meant = backups.filter(({ createdAt }) => createdAt <= by);
      return newestSince(meant, new Date(Math.min(by.getTime(), askedAt.getTime())), takeMs);
    }
    case 'random': {
      if (point.days === undefined) return backups;
      const { from } = randomWindow(point.days, askedAt);
      return backups.filter(({ createdAt }) => createdAt >= from);
    }
    default:
      return backups;
  }
}

/** The newest that was surely there at that time, and all that are newer. */
function newestSince(backups: readonly Backup[], at: Date, takeMs: number): readonly Backup[] {
  const there = backups.findIndex(({ createdAt }) => createdAt.getTime() + takeMs <= at.getTime());
  return there === -1 ? backups : backups.slice(0, there + 1);
}
