import type {
  Answer,
  Check,
  DeltaRecord,
  FidelityManifest,
  MusterError,
  RecoveryRecord,
  RestoreTool,
  RestoreWarning,
  Sentinel,
  Sha256,
  SourceKind,
} from '@muster/core';
import type { Base, LaunchSpec, Scratch, ScratchHost } from '@muster/scratch';
import type { Artefact, StreamArtefact } from './artefact.js';
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

export interface ExamineOptions {
  /** All bytes read so far. */
  readonly onBytes: (bytes: number) => void;
  /** To how much the backup may expand where it is compressed; absent = to anything. */
  readonly contentLimitBytes?: number;
}

export interface Examined {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** Evidence of damage: a MusterError whose reason is a `fail`. */
  readonly fault?: MusterError;
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

/** How a source that is only a `connection` is dumped live. */
export interface LiveDumper {
  /**
   * Asks the source its version and name, and whether all of it may be read. Only reads. @throws `credentials_refused`,
   * `source_unreachable`, `source_slow`, `source_out_of_connections`, `source_rights_missing`, `tls_refused`,
   * `secret_unavailable`, `unknown_database`.
   * @param database - another one than that of the URI.
   */
  survey(uri: string, signal: AbortSignal, database?: string): Promise<LiveFacts>;
  /** For people, before a drill: asked after {@link survey}, of its source. Whatever it rejects with keeps no drill back. */
  measure(uri: string, facts: LiveFacts, signal: AbortSignal): Promise<LiveMeasure>;
  /**
   * The dump as a stream artefact, made with the engine's own tool: the host's own if there is
   * one that fits the server's version, else in a networked container. A dump that does not finish destroys the stream with
   * `dump_failed`, or what is known to be the cause: `source_locked`, `source_rights_missing`, `source_out_of_connections`,
   * `source_stopped`, `source_lost`.
   */
  dump(uri: string, facts: LiveFacts, host: ScratchHost, base: Base, options?: DumpOptions): StreamArtefact;
  /** As {@link dump}, with what this machine itself has; undefined where that takes a host. */
  dumpHere(uri: string, facts: LiveFacts, options?: DumpOptions): Promise<StreamArtefact | undefined>;
  /**
   * Absent where dumps are never split so. A dump of several files, compressed, into `directory`, which is absent or empty,
   * with what this machine itself has. Its files are not synced. @throws as {@link dump}, `tool_missing`, `no_space`.
   */
  dumpDirectory?(
    uri: string,
    facts: LiveFacts,
    directory: string,
    options: Pick<DumpOptions, 'snapshot'> & { readonly jobs: number },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Holds one moment of the source open, for a dump to read and to be recorded. Takes the locks that a dump takes, and
   * only reads. @returns undefined where the source has no moment to share. @throws as {@link survey}.
   */
  openSnapshot(uri: string, facts: LiveFacts, signal: AbortSignal): Promise<SourceSnapshot | undefined>;
  /**
   * Records a source that nobody writes to, beside no dump: of one that shares no moment, one collection after the other.
   * @throws as {@link openSnapshot}.
   */
  recordQuiet(
    uri: string,
    facts: LiveFacts,
    asked: FidelityAsked,
    signal: AbortSignal,
  ): Promise<FidelityManifest>;
}

/** One moment of a live source, held until it is closed. Whoever holds it closes it on every path. */
export interface SourceSnapshot {
  /** For {@link DumpOptions.snapshot}. */
  readonly id: string;
  /**
   * Records what the database was at this moment, beside its dump. What ignores snapshots (sequences) was read before, and
   * is read again when `dumped` has settled. What the source refuses, or what is not done within the budget, is named in
   * the manifest. Once, and not after {@link close}. @throws only `cancelled`.
   */
  record(asked: FidelityAsked, dumped: Promise<unknown>, signal: AbortSignal): Promise<FidelityManifest>;
  /** Lets the source go. Idempotent, does not throw. */
  close(): Promise<void>;
}

/** What shall be recorded of a database. */
export interface FidelityAsked {
  /** `counts`: rows of tables; `full`: digests of their content too. */
  readonly level: 'counts' | 'full';
  /** The time that it may take, ms. */
  readonly budgetMs: number;
  readonly sentinels: readonly Sentinel[];
}

/** Of a dump that is kept. */
export interface DumpOptions {
  /** Compressed by the tool itself: its bytes are written somewhere. Default: not, they only flow through. */
  readonly compress?: boolean;
  /** Of a {@link SourceSnapshot}: what the dump reads. */
  readonly snapshot?: string;
}

/** What is not known is absent. */
export interface LiveMeasure {
  /** Of the data where it lies; its dump is smaller, or larger. */
  readonly sizeBytes?: number;
  /** Extensions that its dump will make. */
  readonly extensions?: readonly string[];
}

export interface LiveFacts {
  readonly major: number;
  readonly serverVersion: string;
  /** What is dumped; absent = every database that the connection may read. */
  readonly database?: string;
  /** As {@link BackupFacts.format}: what will flow. */
  readonly format: string;
}
