import type {
  Answer,
  Check,
  DeltaRecord,
  FidelityManifest,
  RecoveryRecord,
  RestoreTool,
  RestoreWarning,
  Sentinel,
  SourceKind,
} from '@muster/core';
import type { Base, LaunchSpec, Scratch, ScratchHost } from '@muster/scratch';
import type { Artefact } from './artefact.js';
import type { Examined, ExamineOptions } from './examine/examined.js';
import type { RecoveryTarget } from './postgres/pgbackrest/recovery-log.js';

/**
 * One database engine: what its backups look like, how its server is launched, how a backup is restored into it, how a
 * check is asked. It runs everything through a {@link Scratch} and does not know what isolates it.
 *
 * Throws MusterError with a drill reason. A reason of the kind `fail` is thrown only for evidence in the backup itself.
 */
export interface Engine {
  readonly kind: SourceKind;

  /** For {@link ScratchHost.prepare}: prints what {@link admit} and {@link start} need to know of an image. */
  readonly probe: string;

  /** Whether files of these paths (`a`, `a/b`, not deeper) make the directory that they lie in a dump, a finished one. */
  readonly isDirectoryDump: (files: readonly string[]) => boolean;

  /**
   * Whether files of these paths are those of a single database, whose directory may be a part of a dump of several: its
   * own name would be that of the database, and the others lie beside it. Never, where dumps are not split so.
   */
  readonly isOneDatabase: (files: readonly string[]) => boolean;

  /**
   * Whether a file of this name, beside backups, is for the whole cluster (`globals.sql`): told by the name where its
   * head cannot be read, else by {@link BackupFacts.globals}.
   */
  readonly isGlobalsName: (name: string) => boolean;

  /**
   * Reads just the head of a backup and says what it is, by content and never by name.
   * @throws `empty`, `not_a_dump`, `truncated` (the head itself is cut), `unsupported_dump`.
   */
  identify(artefact: Artefact, signal: AbortSignal): Promise<BackupFacts>;

  /**
   * Holds the backup against what the server has, before anything is launched.
   * @returns the `uid:gid` for {@link LaunchSpec.user}.
   * @throws `version_unavailable`, `image_unavailable`, `extension_missing`, `locale_missing`.
   */
  admit(facts: BackupFacts, base: Base): { readonly user: string };

  /**
   * What {@link admit} would hold against each other, for people and before there is a drill. Never throws; of what is not
   * known (the image is not here, the head does not tell) nothing is said.
   */
  fitOf(facts: BackupFacts, base: Base | undefined): Fit;

  /**
   * Initialises and starts the server inside a cell, tuned for throwaway use. `archives`: of PostgreSQL.
   * @throws `launch_failed`; `image_unavailable` where what archives is not there.
   */
  start(
    scratch: Scratch,
    base: Base,
    facts: BackupFacts,
    signal: AbortSignal,
    archives?: Archives,
  ): Promise<Server>;

  /**
   * Reads every byte once: the digest of the artefact as receipts.md defines it, and what the restore tool itself would
   * not notice (a tar or directory member that ends early). Independent of the restore, so both run at once.
   * Not for `form: 'stream'`, whose restore reports its digest itself. Damage is the `fault` of the answer, so that the
   * receipt of a damaged backup names its bytes too: `truncated`, `corrupt`, `checksum_mismatch`.
   * @throws `output_limit`, `backup_changed`, `backup_unreadable`, `cancelled`.
   */
  examine(
    artefact: Artefact,
    facts: BackupFacts,
    options: ExamineOptions,
    signal: AbortSignal,
  ): Promise<Examined>;
}

/** A server that stands in for production archives its WAL into a stanza of its own, as soon as that is made. */
export interface Archives {
  readonly stanza: string;
}

export interface Fit {
  /** Of the server that would be started. */
  readonly version?: string;
  /** As {@link Server.substitute}. */
  readonly substitute?: string;
  /** What restores, where that is a tool with a version of its own. */
  readonly tool?: string;
  /** Those that the backup needs, and whether they are there. */
  readonly extensions?: readonly { readonly name: string; readonly there?: boolean }[];
}

/** What the head of a backup tells. */
export interface BackupFacts {
  /** e.g. `custom`, `custom+gzip`, `plain+zstd`, `directory`. */
  readonly format: string;
  /** Major version of the server to restore into: the newer of the server dumped and the tool that dumped. */
  readonly major: number;
  readonly serverVersion?: string;
  readonly toolVersion?: string;
  /**
   * It is none of its own: it holds what all databases of a cluster share (roles), and is restored before the backup that it
   * lies beside. Its `major` is 0.
   */
  readonly globals?: true;
  /** The header's own time. */
  readonly createdAt?: Date;
  /** The header does not say in which zone that is: it was read as UTC. */
  readonly zoneless?: true;
  /** Of files of a cluster: which. Files of another have nothing in common with them. */
  readonly cluster?: string;
  /** Extensions that it makes, where they are known from elsewhere than its head. */
  readonly extensions?: readonly string[];
  /** Databases in the backup; empty where the format does not name its own. */
  readonly databases: readonly string[];
}

/** A running server in a scratch. It ends with the scratch. */
export interface Server {
  /** The server's own word, e.g. `17.6`. */
  readonly version: string;
  /** What it truly is, name and version, where it only stands in for the source's own kind: `FerretDB 2.7.0`. */
  readonly substitute?: string;

  /**
   * Restores with the engine's own tool. Resolves only if nothing was lost; harmless complaints are counted as warnings.
   * @throws any `fail` of the backup, `extension_missing`, `locale_missing`, `scratch_*`, `cancelled`.
   */
  restore(artefact: Artefact, options: RestoreOptions, signal: AbortSignal): Promise<RestoreReport>;

  /**
   * Asks one check on a connection of its own and never throws for what the question or the server did: that is an
   * {@link Answer}. A question over `timeoutMs` is killed on the server. @throws only `cancelled`.
   */
  ask(check: Check, options: AskOptions, signal: AbortSignal): Promise<Answer>;

  /**
   * Records what these databases are, to be held against what was recorded of their source. What cannot be read is named
   * in the manifest. @throws only `cancelled`.
   */
  recordFidelity(
    databases: readonly string[],
    asked: FidelityAsked,
    signal: AbortSignal,
  ): Promise<FidelityManifest>;

  /** How a person connects to it, as a shell command. */
  connectCommand(database: string): string;
}

export interface RestoreOptions {
  readonly facts: BackupFacts;
  /** Name for the database where the backup does not tell one. */
  readonly fallbackDatabase: string;
  /** Processes that the restore may use. */
  readonly jobs: number;
  /** Of `form: 'repository'`: up to where WAL is replayed. Absent = all that there is. */
  readonly recoverTo?: RecoveryTarget;
  readonly onProgress: (progress: RestoreProgress) => void;
  /** What tools and servers print, for the worker's diagnosis file alone. */
  readonly onOutput: (text: string) => void;
}

export interface RestoreProgress {
  readonly bytes: number;
  readonly totalBytes?: number;
}

export interface RestoreReport {
  /** Databases that were restored. */
  readonly databases: readonly string[];
  /** Bytes of the backup that were read. */
  readonly bytes: number;
  /** Entries of the table of contents, where there is one. */
  readonly objects?: number;
  readonly warnings: readonly RestoreWarning[];
  /** What restored it, where more than one thing can. */
  readonly tool?: RestoreTool;
  /** Where the data of the scratch is to be kept: how much was restored anew. */
  readonly delta?: DeltaRecord;
  /** Of `form: 'repository'`: up to where WAL was replayed, by the server's own log. */
  readonly recovery?: RecoveryRecord;
  /** Of `form: 'stream'`: what flowed. */
  readonly examined?: Examined;
  /** Of `form: 'stream'`: known only once the head has flowed. */
  readonly facts?: BackupFacts;
}

export interface AskOptions {
  readonly database: string;
  readonly backupCreatedAt?: Date;
  readonly timeoutMs: number;
  readonly onOutput: (text: string) => void;
}

/** What shall be recorded of a database. */
export interface FidelityAsked {
  /** `counts`: rows of tables; `full`: digests of their content too. */
  readonly level: 'counts' | 'full';
  /** The time that it may take, ms. */
  readonly budgetMs: number;
  readonly sentinels: readonly Sentinel[];
}
