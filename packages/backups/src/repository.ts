import type { Artefact, BackupFacts } from '@muster/engines';

/** Where the backups of one source are. */
export interface BackupRepository {
  /** Without credentials, for receipts and messages. */
  readonly location: string;
  /** Newest first. Half-written files (`*.tmp`, `*.part`, hidden) are never listed; what is being written is `growing`. @throws `backup_unreadable`, `no_backup` (no such directory). */
  list(signal: AbortSignal): Promise<readonly Backup[]>;
}

/** One restorable artefact of a source. */
export interface Backup {
  /** The file's name in its directory. */
  readonly id: string;
  readonly artefact: Artefact;
  readonly createdAt: Date;
  /** It is being written at this moment: never to be drilled. */
  readonly growing?: true;
  readonly createdAtFrom: 'header' | 'name' | 'mtime' | 'dump';
  /** Absent where its head could not be identified: drilling it ends in that very `fail`. */
  readonly facts?: BackupFacts;
}
