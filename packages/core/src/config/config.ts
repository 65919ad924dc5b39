import type { Check } from '../check.js';
import type { Sha256 } from '../digest.js';
import type { Objectives } from '../objectives.js';
import type { RestorePoint } from '../restore-point.js';

export type SourceKind = 'postgres' | 'mongodb';

/** A reference to a secret, resolved at the moment of use and never before (`env:NAME`, `file:PATH`). */
export type SecretRef =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

/** Bounds of the scratch. Bytes; `cpus` may be a fraction. */
export interface ScratchLimits {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly pids: number;
}

/** Time limits in milliseconds. */
export interface TimeLimits {
  readonly locate: number;
  readonly fetch: number;
  readonly launch: number;
  readonly restore: number;
  readonly check: number;
  readonly drill: number;
}

export type BackupConfig = { readonly type: 'live' } | DumpConfig | PgbackrestConfig;

/** Dumps that somebody else writes to a place. */
export interface DumpConfig {
  readonly type: 'dump';
  readonly place: DirectoryPlace | S3Place;
  /** A glob over names in the place; absent = every format that the engine reads. */
  readonly match?: string;
  /** The zone of times in headers and names that do not say theirs (IANA). Absent = UTC. */
  readonly tz?: string;
  /** Identities of age, or a passphrase, for those dumps that are encrypted with it. */
  readonly decrypt?: { readonly age: SecretRef };
}

/** The backup sets of one stanza in a pgBackRest repository. */
export interface PgbackrestConfig {
  readonly type: 'pgbackrest';
  readonly stanza: string;
  readonly repository:
    | { readonly kind: 'place'; readonly place: DirectoryPlace | S3Place; readonly cipherPass?: SecretRef }
    /** The repository's own pgbackrest.conf, absolute. */
    | { readonly kind: 'config'; readonly path: string };
  /** What was restored is kept on the host of the scratch, so that the next drill restores only what changed. */
  readonly delta?: true;
  /** Processes of a restore. Absent = as many as the scratch has cores. */
  readonly processMax?: number;
}

/** What must be in place before the server starts, read-only. */
export interface Companion {
  /** A file or a directory; in object storage an object, or all below a prefix. */
  readonly from: DirectoryPlace | S3Place;
  /** Absolute, in the scratch. */
  readonly to: string;
}

/** When drills of a source are due, and what each restores. */
export interface Schedule {
  /** Unique within its source; `default` where the file says just `schedule:`. */
  readonly name: string;
  /** Five fields. */
  readonly cron: string;
  /** An IANA time zone. Default: UTC. */
  readonly tz: string;
  readonly restorePoint: RestorePoint;
  /** What must hold at that point, and what must not hold yet: asked beside the checks of the source. */
  readonly present: readonly Check[];
  readonly absent: readonly Check[];
  /** The longest time, in ms, by which a drill may start after it is due: how long for a source is a hash of its slug. */
  readonly jitterMs: number;
  /** When the drill before it is not over yet: leave this one out (with a receipt), or let it wait. */
  readonly overrun: 'skip' | 'wait';
}

/** A type of pgBackRest's backup sets. */
export type SetType = 'full' | 'diff' | 'incr';

/** When backups of a source are taken. */
export interface TakeSchedule {
  /** Unique within the takes of its source; `default` where the file says just `cron:`. */
  readonly name: string;
  readonly cron: string;
  readonly tz: string;
  /** Of pgBackRest. */
  readonly type: SetType;
}

/** Of both, whichever keeps more. At least one is there. */
export interface Retain {
  readonly count?: number;
  readonly days?: number;
}

/** Backups that Muster itself takes. */
export interface Take {
  /** Empty = by hand only. */
  readonly schedules: readonly TakeSchedule[];
  /** Of pgBackRest, where nobody names one. */
  readonly type: SetType;
  /** Of a PostgreSQL dump. */
  readonly format: 'custom' | 'directory';
  /** Processes of a directory dump, or of pgBackRest. */
  readonly jobs: number;
  /** Absent = nothing is ever deleted. */
  readonly retain?: Retain;
  readonly overrun: 'skip' | 'wait';
  /** The workers that take. */
  readonly pool: string;
  /** Recipients of age, or a passphrase. */
  readonly encrypt?: { readonly age: SecretRef };
  /** Of the running server whose files pgBackRest backs up, absolute. */
  readonly dataDirectory?: string;
  /** For one take. */
  readonly limitMs: number;
}

export type FidelityLevel = 'off' | 'counts' | 'full';

/** A row that must be there after a restore as it was when the backup was taken. */
export interface Sentinel {
  readonly table: string;
  readonly key: Readonly<Record<string, string | number | boolean>>;
}

export interface Fidelity {
  /** Absent = `counts` for backups that Muster takes, `off` for live drills. */
  readonly level?: FidelityLevel;
  /** That may be spent at the source. */
  readonly budgetMs: number;
  readonly sentinels: readonly Sentinel[];
}

/** What a rehearsal starts from: a dump, or SQL files, absolute paths, or nothing; and the rows that must come back. */
export interface Rehearse {
  readonly base?: string;
  readonly migrate: readonly string[];
  /** Of PostgreSQL, where there is no dump. */
  readonly major: number;
  readonly version?: string;
  readonly seed: readonly {
    readonly table: string;
    readonly row: Readonly<Record<string, string | number | boolean | null>>;
  }[];
}

export interface Source {
  readonly slug: string;
  readonly kind: SourceKind;
  readonly database?: string;
  readonly connection?: { readonly uri: SecretRef };
  readonly backup: BackupConfig;
  readonly companions: readonly Companion[];
  /** In the order declared. Empty only with `restoreOnly`. */
  readonly checks: readonly Check[];
  readonly restoreOnly: boolean;
  readonly summaries: 'full' | 'none';
  /** Overrides `scratch.images`. */
  readonly image?: string;
  readonly scratch: ScratchLimits;
  readonly limits: TimeLimits;
  readonly schedules: readonly Schedule[];
  readonly objectives?: Objectives;
  /** Absent = Muster takes no backups of it. */
  readonly take?: Take;
  readonly fidelity: Fidelity;
  readonly rehearse?: Rehearse;
  /** The workers that may take its drills. Default: `default`. */
  readonly pool: string;
}

export type IsolationChoice = 'auto' | 'docker' | 'podman' | 'bubblewrap';

/** How long the evidence store itself refuses to delete or overwrite an object; nobody may shorten `compliance`. */
export interface ObjectLock {
  readonly mode: 'governance' | 'compliance';
  readonly days: number;
}

/** An S3-compatible object storage, and whose credentials open it. */
export interface S3Access {
  /** Absent = that of AWS for the region. */
  readonly endpoint?: string;
  readonly region?: string;
  /** The bucket in the path, and not in the host name. Default: with an endpoint, yes. */
  readonly pathStyle?: boolean;
  /** Absent = the credential chain of AWS. */
  readonly credentials?: { readonly accessKeyId: SecretRef; readonly secretAccessKey: SecretRef };
}

/** A directory; `location` is its absolute path. */
export interface DirectoryPlace {
  readonly type: 'directory';
  readonly location: string;
}

/** Object storage; `location` is for people: `s3://bucket/prefix`. */
export interface S3Place {
  readonly type: 's3';
  readonly location: string;
  readonly bucket: string;
  /** Without slashes around it; empty = the whole bucket. */
  readonly prefix: string;
  readonly s3: S3Access;
}

/** Where plans and receipts are kept. */
export type EvidencePlace = DirectoryPlace | (S3Place & { readonly objectLock?: ObjectLock });

/** Who may do what over the API; each role may do what those before it may. */
export type Role = 'viewer' | 'operator' | 'admin';

/** A token that the API knows; the token itself is nowhere. */
export interface ApiToken {
  readonly name: string;
  readonly role: Role;
  /** Of the token's bytes, in lower-case hex. */
  readonly sha256: string;
}

/** Where the API listens: an address, or a unix socket. */
export type Listen = { readonly host: string; readonly port: number } | { readonly path: string };

export interface ApiConfig {
  /** Absent = 127.0.0.1:7655. */
  readonly listen?: Listen;
  readonly tokens: readonly ApiToken[];
}

/** A configuration in force: defaults applied, references between its parts resolved, paths absolute. */
export interface Config {
  readonly sources: readonly Source[];
  readonly checks: readonly Check[];
  readonly scratch: {
    readonly kind: IsolationChoice;
    readonly images: { readonly postgres: string; readonly mongodb: string };
  };
  readonly signing: { readonly key?: SecretRef };
  /** `keyring` is an absolute directory; absent = the caller's default. */
  readonly evidence: { readonly store?: EvidencePlace; readonly keyring?: string };
  /** Absent = the one that `muster up` embeds. */
  readonly redis: { readonly url?: SecretRef };
  /** PostgreSQL; absent = embedded, in `muster up` only. */
  readonly index: { readonly url?: SecretRef };
  readonly api: ApiConfig;
  /** Over the JCS form of the parsed document before defaults; a `summary_find` keeps its order in it. */
  readonly configSha256: Sha256;
}

/** One fault of a configuration file. `line` and `column` count from 1. */
export interface ConfigFault {
  readonly line: number;
  readonly column: number;
  /** Dotted path, e.g. `sources[0].checks[1]`; empty for a fault of the YAML itself. */
  readonly path: string;
  /** What is wrong, what was expected, and a suggestion for a misspelt key. Never a value that may be a secret. */
  readonly message: string;
  readonly code:
    | 'yaml'
    | 'invalid'
    | 'unknown_key'
    | 'not_supported_yet'
    | 'expect'
    | 'reference'
    | 'duplicate';
}

export type ParsedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      /** The file's document as JSON text, which is YAML too: parsed again it is the same configuration. */
      readonly document: string;
    }
  /** In the order of the file. */
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };
