import type { BackupRecord, SetType, Source } from '@muster/core';

/** What one taking of a backup was asked for. */
export interface TakeRequest {
  /** `tak_` and a ULID, whose time is when it was due, or asked for. */
  readonly takeId: string;
  readonly source: Source;
  /** Of pgBackRest. */
  readonly type?: SetType;
  readonly trigger: NonNullable<BackupRecord['take']>['trigger'];
  /** Whoever asks has the source for this take alone, across hosts. Absent = the take sees to it in the place itself. */
  readonly isAlone?: boolean;
}

/** `wait`: for another take of the source. */
export type TakePhase = 'wait' | 'survey' | 'sweep' | 'dump' | 'examine' | 'publish';

/** How far a take is. Bytes of its phase; `totalBytes` only where it is known, and `fraction` (0 to 1) where that is all. */
export interface TakeProgress {
  readonly phase: TakePhase;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly fraction?: number;
}

/** A backup that was taken: it lies in its place, whole. */
export interface Taken {
  readonly backupId: string;
  /** Without credentials. */
  readonly location: string;
  readonly sizeBytes: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** Of dumps: what lies beside it. pgBackRest has records of its own. */
  readonly record?: BackupRecord;
  /** Of pgBackRest. */
  readonly set?: TakenSet;
  /** What takes that died before had left, and was removed: names without credentials. */
  readonly swept: readonly string[];
}

/** A backup set. Bytes. */
export interface TakenSet {
  /** What it became: an `incr` with nothing to build on is a `full`. */
  readonly type: SetType;
  /** The set that it builds on. */
  readonly prior?: string;
  /** Of the cluster as it lies there. */
  readonly databaseBytes: number;
  /** What it added to the repository; absent where that is not known. */
  readonly addedBytes?: number;
}

export interface TakeOptions {
  readonly onProgress: (progress: TakeProgress) => void;
  /** What tools print, for the worker's diagnosis file alone. */
  readonly onOutput: (text: string) => void;
}

/**
 * Takes one backup of a source into the place where its backups are: written under a name that no listing shows, synced,
 * examined (table of contents, size, digest), then published under its own, never over another. Whatever ends it before,
 * a kill included, leaves no backup that lists. Never writes to the source.
 * @throws `take_overrun`, `take_unwritable`, `take_exists`, `no_space`, `dump_failed`, what a {@link LiveDumper} throws of its source,
 * `time_limit`, `cancelled`.
 */
export type TakeBackup = (request: TakeRequest, options: TakeOptions, signal: AbortSignal) => Promise<Taken>;
