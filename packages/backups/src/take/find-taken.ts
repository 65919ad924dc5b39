import type { Backup, BackupRepository } from '../repository.js';
import type { OwnBackups } from '../retain/own-backups.js';
import type { Taken } from './take.js';

export interface FindTakenPorts {
  readonly repository: Pick<BackupRepository, 'list'>;
  /** Where records lie beside backups; absent of pgBackRest, whose sets have none. */
  readonly own?: Pick<OwnBackups, 'recordOf'>;
}

/** A take publishes the newest backup, unless clocks differ: so many of the newest are looked at. */
const LOOKED_AT = 20;

/**
 * The backup that a take had published before its worker died: that whose record names it. Of pgBackRest, the first set that
 * came to its end since the take began, for the source was locked by it. @throws what listing throws.
 */
export async function findTaken(
  { repository, own }: FindTakenPorts,
  { takeId, since }: { readonly takeId: string; readonly since: Date },
  signal: AbortSignal,
): Promise<Pick<Taken, 'backupId' | 'sizeBytes'> | undefined> {
  const backups = await repository.list(signal);
  if (own === undefined) return told(backups.findLast(({ createdAt }) => createdAt >= since));
  for (const backup of backups.slice(0, LOOKED_AT)) {
    const record = await own.recordOf(backup.id, signal);
    if (record !== undefined && record !== 'unreadable' && record.take?.id === takeId) return told(backup);
  }
  return undefined;
}

const told = (backup: Backup | undefined): Pick<Taken, 'backupId' | 'sizeBytes'> | undefined =>
  backup && {
    backupId: backup.id,
    sizeBytes: 'sizeBytes' in backup.artefact ? backup.artefact.sizeBytes : 0,
  };
