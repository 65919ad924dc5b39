import type { BackupRepository, CompanionPlace } from '@muster/backups';
import type {
  Attempt,
  Companion,
  Config,
  DumpConfig,
  MusterError,
  PgbackrestConfig,
  Plan,
  RestorePoint,
  Source,
  SourceKind,
  Statement,
} from '@muster/core';
import type { Archives, Engine, LiveDumper, Server } from '@muster/engines';
import type { Signer } from '@muster/evidence';
import type { Scratch, ScratchHost, WantedImage } from '@muster/scratch';
import type { DrillEvent } from './drill-event.js';

/** What is needed to see which backup a drill would take, and whether it would be admitted. */
export interface LookPorts {
  /**
   * Chooses where to isolate, for an image: `auto` may answer differently per image, and never takes a server of this machine
   * for an image that the source itself names.
   * @throws `isolation_unavailable`, `image_unavailable`.
   */
  readonly hostFor: (wanted: WantedImage, signal: AbortSignal) => Promise<ScratchHost>;
  readonly engineOf: (kind: SourceKind) => Engine;
  readonly liveDumperOf: (kind: SourceKind) => LiveDumper;
  readonly repository: (kind: SourceKind, backup: DumpConfig | PgbackrestConfig) => BackupRepository;
  readonly companion: (from: Companion['from']) => CompanionPlace;
  readonly resolveSecret: (ref: NonNullable<Source['connection']>['uri']) => Promise<string>;
  readonly now: () => Date;
}

/** Everything that a drill needs from outside: ports, identity, and what must be injectable in tests. */
export interface DrillPorts extends LookPorts {
  /** A directory of this machine for what must be fetched, empty and for this drill alone. @throws `state_unwritable`. */
  readonly spool: (drillId: string) => Promise<Spool>;
  readonly signer: Signer;
  readonly worker: {
    readonly name: string;
    readonly pool: string;
    readonly cpus: number;
    readonly memoryBytes: number;
  };
  readonly musterVersion: string;
  readonly observe: (event: DrillEvent) => void;
  /** What tools and servers printed: kept on the worker (0600, 7 days), in no receipt. */
  readonly output: (drillId: string, text: string) => void;
}

export interface Spool {
  readonly path: string;
  /** Idempotent, and does not throw. */
  remove(): Promise<void>;
}

export interface DrillRequest {
  readonly plan: Plan;
  readonly config: Config;
  readonly source: Source;
  readonly restorePoint: RestorePoint;
  /** The newest backups of the last drills of this source ({@link newestMark}), three at the most. */
  readonly newestBefore?: readonly string[];
  /** The tries before this one, in order. */
  readonly earlier?: readonly Attempt[];
  /**
   * Leave the scratch up once it is restored, for so many ms at the most: the outcome then holds it, and the caller
   * releases it. Absent = it is gone when the drill ends.
   */
  readonly keepMs?: number;
  /** The server is to archive its WAL: beside what is restored that, and backups of it, will lie in the scratch. */
  readonly archives?: Archives;
  /** Of its trace, where there is one: 32 hex digits, for the receipt. */
  readonly traceId?: string | undefined;
}

export interface DrillOutcome {
  readonly statement: Statement;
  /** The receipt's exact bytes. */
  readonly receipt: Uint8Array;
  /** Of a random choice: the listing that it was drawn from, whose digest is in the receipt. It is kept beside it. */
  readonly listing?: string;
  /** What happened and what to do now; absent on a pass. */
  readonly message?: string;
  readonly kept?: KeptScratch;
}

export interface KeptScratch {
  readonly scratch: Scratch;
  readonly server: Server;
  readonly database: string;
  readonly socketDir: string;
  readonly backupCreatedAt: Date;
  readonly connectCommand: string;
  /** The scratch's own end. */
  readonly lost: Promise<MusterError>;
  release(): Promise<void>;
}
