import type { Base, Scratch } from '@muster/scratch';
import type { BackupFacts } from '../engine.js';

/** A row that was put in. It holds the row itself: for memory alone. */
export interface SeededRow {
  readonly table: string;
  /** The engine's own word of it. */
  readonly row: unknown;
}

/**
 * A server that Muster started, in a scratch, and that stands in for production: unlike a source it is written to. Every
 * method rejects with what the server said; no message of ours quotes a value.
 */
export interface StandIn {
  /** How a dumper reaches one database, by the socket of the scratch. */
  uri(database: string): string;
  /** @throws `rehearsal_unready` where the server refuses the row. */
  seed(
    database: string,
    seed: { readonly table: string; readonly row: Readonly<Record<string, SeedValue>> },
    signal: AbortSignal,
  ): Promise<SeededRow>;
  /** How many rows are, in all they hold, what that row was when it was put in. */
  count(database: string, row: SeededRow, signal: AbortSignal): Promise<number>;
  /** Exact rows of every table or collection, by its name as the server quotes it, in decimals. */
  rows(database: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
}

type SeedValue = string | number | boolean | null;

/** What makes an empty server into production, by scripts where it has some. */
export interface Scripts {
  /** For a server with nothing in it, of this major version where it is PostgreSQL. */
  readonly facts: (major: number) => BackupFacts;
  /** Makes an empty database. */
  make(
    at: { readonly socketDir: string; readonly serverVersion: string },
    database: string,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Runs a script inside of the scratch, as what may be hostile, up to its first fault.
   * @throws `rehearsal_unready` with its line and SQLSTATE, where the file cannot be read, or where the server has no scripts.
   */
  run(
    scratch: Scratch,
    base: Base,
    script: { readonly path: string; readonly database: string; readonly facts: BackupFacts },
    onOutput: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
}
