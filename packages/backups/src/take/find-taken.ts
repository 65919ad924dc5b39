import type { Backup, BackupRepository } from '../repository.js';
import type { OwnBackups } from '../retain/own-backups.js';
import type { Taken } from './take.js';
import type { TakePlace } from './take-place.js';

export interface FindTakenPorts {
  readonly repository: Pick<BackupRepository, 'list'>;
  /** Where records lie beside backups; absent of pgBackRest, whose sets have none. */
  readonly own?: Pick<OwnBackups, 'recordOf'>;
  /** Of dumps: where the dead take may have left its slot. */
  readonly place?: Pick<TakePlace, 'sweep'>;
}

/** A take publishes the newest backup, unless clocks differ: so many of the newest are looked at. */
const LOOKED_AT = 20;

/**
 * The backup that a take had published before its worker died: that whose record names it, or of pgBackRest the set that is
 * annotated with it; what else it left is swept. Never one that anybody else made. @throws what listing throws.
 */
export async function findTaken(
  { repository, own, place }: FindTakenPorts,
  takeId: string,
  signal: AbortSignal,
): Promise<Pick<Taken, 'backupId' | 'sizeBytes'> | undefined> {
  const backups = await repository.list(signal);
  if (own === undefined) return told(backups.find((backup) => backup.takeId === takeId));
  for (const backup of backups.slice(0, LOOKED_AT)) {
    const record = await own.recordOf(backup.id, signal);
    if (record === undefined || record === 'unreadable' || record.take?.id !== takeId) continue;
    // The backup is there, whether or not: what cannot be swept now is at the next take.
    await place?.sweep(signal).catch(() => undefined);
    return told(backup);
  }
  return undefined;
}

const told = (backup: Backup | undefined): Pick<Taken, 'backupId' | 'sizeBytes'> | undefined =>
  backup && {
    backupId: backup.id,
    sizeBytes: 'sizeBytes' in backup.artefact ? backup.artefact.sizeBytes : 0,
  };
