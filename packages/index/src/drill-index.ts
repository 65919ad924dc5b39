import type { Statement } from '@muster/core';

/**
 * Receipts as rows to query: a convenience that can be rebuilt from the evidence store at any time, and the only home of
 * no fact. Over PostgreSQL, or embedded (PGlite) where one process writes and reads. @throws `index_unavailable`.
 */
export interface DrillIndex {
  /** For messages; without credentials. */
  readonly location: string;
  /** Adds a receipt that is stored and verified; one that is there already is left as it is. */
  put(receipt: IndexedReceipt, signal: AbortSignal): Promise<void>;
  /** Newest drill first. */
  list(query: DrillQuery, signal: AbortSignal): Promise<readonly IndexedDrill[]>;
  /** Of each source that ever passed, or of this one, when the newest drill that {@link IndexedReceipt.proves} it was asked for; in no order. */
  lastPasses(
    of: { readonly source?: string },
    signal: AbortSignal,
  ): Promise<readonly { readonly source: string; readonly at: Date }[]>;
  get(drillId: string, signal: AbortSignal): Promise<IndexedDrill | undefined>;
  /** Replaces everything by these, in one transaction: readers see the old rows until it ends. @returns how many. */
  rebuild(receipts: AsyncIterable<IndexedReceipt>, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

export interface IndexedReceipt {
  readonly statement: Statement;
  /** Its key in the evidence store. */
  readonly key: string;
  /** Of the bundle's bytes. */
  readonly sha256: string;
  /** Whether it counts as a pass of its source (`provesSource`): that takes its plan, too. */
  readonly proves: boolean;
}

export interface DrillQuery {
  readonly source?: string;
  readonly result?: 'pass' | 'fail' | 'error';
  /** Asked for at this time or later. */
  readonly since?: Date;
  /** Drills before this one (exclusive), in the order of the list: the cursor. */
  readonly before?: string;
  readonly limit: number;
}

export interface IndexedDrill extends IndexedReceipt {
  readonly drillId: string;
  readonly source: string;
  readonly askedAt: Date;
  readonly issuedAt: Date;
}
