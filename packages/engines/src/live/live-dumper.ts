import type { FidelityManifest } from '@muster/core';
import type { Base, ScratchHost } from '@muster/scratch';
import type { StreamArtefact } from '../artefact.js';
import type { FidelityAsked } from '../engine.js';

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
