import { ulid } from 'ulid';
import { z } from 'zod';
import { predicateSchema, STATEMENT_TYPE } from './statement.js';
import { wellFormed } from './well-formed.js';

export const RESTORE_PREDICATE_TYPE = 'urn:muster:restore:v1';

/** `rst_` and a ULID: one restore into a real server. */
export const RESTORE_ID = /^rst_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export const newRestoreId = (now: Date, random?: () => number): string =>
  `rst_${ulid(now.getTime(), random)}`;

export const RESTORE_PHASES = ['fetch', 'prepare', 'restore', 'finish', 'check'] as const;
export type RestorePhase = (typeof RESTORE_PHASES)[number];

const text = wellFormed.min(1);
const count = z.int().nonnegative();
const timestamp = z.iso.datetime({ precision: 3, offset: false });
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/**
 * What one restore into a real server did: which backup, where to, what became of what was there. No credential, no
 * address with one, no data.
 */
export const restorePredicateSchema = z.strictObject({
  restore_id: z.string().regex(RESTORE_ID),
  /** Absent where a file was named, and no source. */
  source: z.strictObject({ slug: z.string().regex(/^[a-z0-9-]+$/) }).optional(),
  kind: z.enum(['postgres', 'mongodb']),
  backup: z.strictObject({
    id: text,
    location: text,
    sha256: digest.optional(),
    size_bytes: count.optional(),
    format: z.string().max(64).optional(),
  }),
  target: z.strictObject({
    place: text,
    database: text,
    server_version: z.string().max(64),
    /** What was there before. */
    before: z.strictObject({ tables: count, rows: count, bytes: count }),
    /** Under which name that is kept. */
    kept: text.optional(),
  }),
  tool: z.string().max(1000).optional(),
  phases: z.array(
    z.strictObject({ name: z.enum(RESTORE_PHASES), started_at: timestamp, duration_ms: count }),
  ),
  checks: predicateSchema.shape.checks,
  result: z.enum(['pass', 'fail', 'error']),
  /** A code of Muster's own. */
  reason: z.string().max(64).optional(),
  muster_version: text,
  started_at: timestamp,
  ended_at: timestamp,
});

export const restoreStatementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  /** Empty where the restore ended before all bytes of the backup were read. */
  subject: z
    .array(
      z.strictObject({ name: text, digest: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }) }),
    )
    .max(1),
  predicateType: z.literal(RESTORE_PREDICATE_TYPE),
  predicate: restorePredicateSchema,
});

/** The statement of what one restore into a real server did. */
export type RestoreStatement = z.infer<typeof restoreStatementSchema>;
export type RestorePredicate = z.infer<typeof restorePredicateSchema>;

/** Where the evidence store, or the state directory, keeps the record of a restore; the date is the id's own. */
export const restoreRecordKey = (restoreId: string, startedAt: string): string =>
  `restores/${startedAt.slice(0, 10).replaceAll('-', '/')}/${restoreId}.sigstore.json`;
