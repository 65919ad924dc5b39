export const SCHEMA = 'muster';

/** The columns beside `statement` are there to query by; what is returned is read from the statement alone. */
export interface Tables {
  readonly drills: DrillRow;
  readonly checks: CheckRow;
}

export interface DrillRow {
  readonly drill_id: string;
  readonly source: string;
  readonly kind: string;
  readonly trigger_kind: string;
  readonly schedule: string | null;
  readonly scheduled_for: Date | null;
  readonly result: string;
  readonly reason: string | null;
  readonly pool: string;
  readonly worker: string;
  readonly asked_at: Date;
  readonly issued_at: Date;
  readonly backup_id: string | null;
  readonly backup_sha256: string | null;
  readonly restore_ms: number | null;
  readonly key: string;
  readonly sha256: string;
  /** Counts as a pass of its source. */
  readonly proves: boolean;
  /** JSON as text: jsonb refuses U+0000 and writes numbers anew. */
  readonly statement: string;
}

export interface CheckRow {
  readonly drill_id: string;
  readonly ordinal: number;
  readonly check_id: string;
  readonly verdict: string;
  readonly reason: string | null;
  readonly duration_ms: number | null;
  readonly check_sha256: string;
}
