import type { BackupRecord } from '@muster/core';
import type {
  Artefact,
  BackupFacts,
  DirectoryArtefact,
  FileArtefact,
  FlowArtefact,
  RecoveryTarget,
  RepositorySet,
} from '@muster/engines';

/** Where the backups of one source are. */
export interface BackupRepository {
  /** Without credentials, for receipts and messages. */
  readonly location: string;
  /**
   * Newest first. Half-written files (`*.tmp`, `*.part`, hidden) are never listed; what is being written
   * is `growing`. @throws `backup_unreadable` (also where
   * the place itself is absent), `credentials_refused`, `secret_unavailable`, `no_backup` (nothing there that `match` means).
   */
  list(signal: AbortSignal): Promise<readonly Backup[]>;
}

/** One restorable artefact of a source. */
export interface Backup {
  /** The file's name in its directory. */
  readonly id: string;
  /** Where it is, without credentials. */
  readonly location: string;
  readonly artefact: Artefact | RemoteBackup;
  /** When the last of its bytes was written. */
  readonly mtime: Date;
  /** Of times in headers and names that do not say theirs (IANA). Absent = UTC. */
  readonly zone?: string;
  readonly createdAt: Date;
  /** From when on its data can be had as of a time, where that is not `createdAt`. */
  readonly wholeAt?: Date;
  /** Of one that is recovered from WAL: of which cluster's that is, and where in it the backup became whole, if known. */
  readonly wal?: { readonly cluster: string; readonly wholeAt?: string };
  /** It is being written at this moment: never to be drilled. */
  readonly growing?: true;
  readonly createdAtFrom: 'header' | 'name' | 'mtime' | 'dump';
  /** What lies beside it for its whole cluster (roles), to be restored before it. */
  readonly globals?: { readonly artefact: FileArtefact | FlowArtefact; readonly location: string };
  /**
   * Of a dump: what Muster recorded beside it, which is believed no further than its digest goes. @throws
   * `backup_unreadable`, `credentials_refused`, `cancelled`.
   */
  readonly record?: (signal: AbortSignal) => Promise<BackupRecord | 'unreadable'>;
  /** Of a set in a repository: which take of Muster made it, where that is noted there. */
  readonly takeId?: string;
  /** Absent where its head could not be identified: drilling it ends in that very `fail`. */
  readonly facts?: BackupFacts;
}

/** A backup of several files that are elsewhere: no engine reads it there. */
export interface RemoteBackup {
  readonly form: 'remote';
  readonly name: string;
  /** Of the backup; more may have to be fetched for it. */
  readonly sizeBytes: number;
  /**
   * Fetches what is needed of it into `directory`, which is there and empty.
   * @throws `checksum_mismatch`, `backup_changed`, `backup_unreadable`, `backup_archived`, `credentials_refused`, what
   * is wrong with the backup, `scratch_disk_full` where there is no room for it.
   */
  fetch(
    directory: string,
    options: FetchOptions,
    signal: AbortSignal,
  ): Promise<DirectoryArtefact | RepositorySet>;
}

export interface FetchOptions {
  /** If it is more, nothing of it is fetched. */
  readonly mostBytes: number;
  /** Of a set in a repository: up to where WAL is going to be replayed. */
  readonly recoverTo: RecoveryTarget;
  readonly onBytes: (bytes: number, totalBytes: number) => void;
}
