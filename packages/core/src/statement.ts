import { z } from 'zod';
import { CHECK_ROLES } from './check.js';
import { fidelitySchema } from './fidelity.js';
import { DRILL_ID } from './ids.js';
import { promiseSchema } from './promise-schema.js';
import { CHECK_REASON_CODES, REASON_CODES } from './reason.js';
import { RESTORE_POINT_KINDS } from './restore-point.js';
import type { SummaryJson } from './summary.js';
import { wellFormed } from './well-formed.js';

/** in-toto Statement v1: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'urn:muster:restore-drill:v1';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 lower-case hex digits');
/** RFC 3339, UTC, milliseconds. */
const timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'expected RFC 3339 UTC with milliseconds')
  .refine((text) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text, 'no such time');
const count = z.int().nonnegative();
const text = wellFormed.min(1);
const traceId = z
  .string()
  .regex(/^(?!0{32})[0-9a-f]{32}$/, 'expected 32 lower-case hex digits, not all zero');
const drillId = z.string().regex(DRILL_ID, 'expected drl_ and a ULID');
const slug = z.string().regex(/^[a-z0-9-]+$/);

const result = z.enum(['pass', 'fail', 'error']);
const reason = z.enum(REASON_CODES);

/** What was held for certain; a bound that could not be enforced is left out. Bytes. */
export const limitsSchema = z.strictObject({
  cpus: z.number().positive().optional(),
  memory_bytes: count.optional(),
  disk_bytes: count.optional(),
  pids: count.optional(),
});

/** What the restore tool complained about and healthy backups do too: codes, never text or data. */
const warningSchema = z.strictObject({
  sqlstate: z
    .string()
    .regex(/^[0-9A-Z]{5}$/)
    .optional(),
  statement: z.string().max(64).optional(),
  code: z.string().max(64).optional(),
  count: z.int().positive(),
});

/** The code of the warning that a backup does not tell what its database was called: Muster gave it a name. */
export const DATABASE_NAMED = 'database_named';

/** The code of the warning that the primary preloads so many libraries that the scratch has not. */
export const LIBRARY_MISSING = 'library_missing';

/** What restores a dump of mongodump: its own counterpart, or Muster's reader where a scratch has none. */
const restoreTool = z.enum(['mongorestore', 'muster-reader']);

/** How much of a set was restored anew, where the source has `delta: true`. */
const deltaSchema = z.strictObject({
  /** The files there were: `new`: none yet; `kept`: those of an earlier drill; `throwaway`: none, another drill has them. */
  volume: z.enum(['new', 'kept', 'throwaway']),
  /** Of the files that were written; the others were there, and their checksums were right. */
  copied_bytes: count,
});

export const PHASES = ['locate', 'fetch', 'launch', 'restore', 'compare', 'check', 'destroy'] as const;

const phaseSchema = z.strictObject({
  name: z.enum(PHASES),
  started_at: timestamp,
  duration_ms: count,
  outcome: z.enum(['done', 'failed', 'cancelled']),
});

/** z.record would drop a column called `__proto__`. */
const summary = z.custom<SummaryJson>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(
      (item) => item === null || ['string', 'number', 'boolean'].includes(typeof item),
    ),
  { error: 'expected columns with JSON scalars' },
);

const checkSchema = z.strictObject({
  id: text,
  check_sha256: digest,
  expect_sha256: digest,
  /** Where the schedule names it: it must hold, or must not hold yet, at the restore point. */
  role: z.enum(CHECK_ROLES).optional(),
  verdict: z.enum(['pass', 'fail', 'error', 'not_run']),
  reason: z.enum(CHECK_REASON_CODES).optional(),
  /** SQLSTATE or MongoDB code of a `query_failed`. */
  code: z.string().max(32).optional(),
  /** Column to JSON value; numbers that a double cannot hold are decimal strings. */
  summary: summary.optional(),
  started_at: timestamp.optional(),
  duration_ms: count.optional(),
});

const restorePointSchema = z.strictObject({
  kind: z.enum(RESTORE_POINT_KINDS),
  /** What was asked for, where the kind has a word: the id, the days of the window (`14d`), the time in UTC, a point in WAL. */
  asked: z.string().optional(),
  /** The id of the backup that it resolved to. */
  resolved: z.string().optional(),
  /** Of the listing that a random choice was drawn from: `listings/<hex>.json` of the evidence store. */
  listing_sha256: digest.optional(),
  /** How many backups were listed, where none of them is what was asked for. */
  listed: count.optional(),
});

const createdAtFrom = z.enum(['header', 'name', 'mtime', 'dump']);

/** The newest backup that there was, whichever was drilled. */
const newestBackupSchema = z.strictObject({
  id: text,
  created_at: timestamp,
  created_at_from: createdAtFrom,
});

const objectivesSchema = promiseSchema.extend({
  /** Of what was measured: fetch and restore together. */
  rto_met: z.boolean().optional(),
  /** Of what was measured: the age of the newest backup when the drill looked for one. */
  rpo_met: z.boolean().optional(),
});

const backupSchema = z.strictObject({
  id: text,
  sha256: digest.optional(),
  size_bytes: count.optional(),
  created_at: timestamp.optional(),
  created_at_from: createdAtFrom.optional(),
  format: z.string().max(64).optional(),
  tool_version: z.string().max(64).optional(),
  server_version: z.string().max(64).optional(),
  /** Without credentials. */
  location: text,
  /** What lay beside it for its whole cluster (roles) and was restored before it. */
  globals: z
    .strictObject({ id: text, sha256: digest.optional(), size_bytes: count.optional(), location: text })
    .optional(),
});

/** What was in place before the server started, read-only. */
const companionSchema = z.strictObject({
  /** The path in the scratch. */
  to: text,
  /** Without credentials. */
  location: text,
  /** Absent where not all of it was read. Of a directory: of the sorted `sha256sum` lines of its files. */
  sha256: digest.optional(),
  size_bytes: count.optional(),
  files: count.optional(),
});

/** RFC 3339, UTC, microseconds: PostgreSQL's own. */
const commitTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);

const recoverySchema = z.strictObject({
  /**
   * `latest`: all WAL there is; `immediate`: just what makes the backup whole; `time`, `xid`, `name`, `lsn`: as of
   * `value`.
   */
  target: z.strictObject({
    kind: z.enum(['latest', 'immediate', 'time', 'xid', 'name', 'lsn']),
    value: text.optional(),
  }),
  reached: z.literal(true),
  /** The timeline whose history was replayed; absent where nobody knows it. */
  timeline: z.int().positive().optional(),
  /** The last commit that was replayed. */
  last_commit_before: commitTime.optional(),
  /** The commit before which the replay stopped. */
  first_commit_after: commitTime.optional(),
  /** Of the targets `xid`, `name` and `lsn`: where the replay stopped, all before it being replayed. */
  stopped: z
    .strictObject({
      side: z.enum(['before', 'after']),
      /** The transaction after whose end it stopped, its lower 32 bits in decimal, and how that ended. */
      xid: z
        .string()
        .regex(/^\d{1,10}$/)
        .optional(),
      end: z.enum(['commit', 'abort']).optional(),
      /** The restore point after which it stopped. */
      name: text.optional(),
      /** Where the first record begins that was not replayed. */
      lsn: lsn.optional(),
      /** When the transaction ended, or the restore point was made. */
      at: commitTime.optional(),
    })
    .optional(),
  /** On how many sides of the target it is known what was replayed, and what was not. */
  proof: z.enum(['both_sides', 'one_side', 'unasserted']),
});

const environmentSchema = z.strictObject({
  worker: text,
  pool: text,
  isolation: z.enum(['docker', 'podman', 'bubblewrap', 'uri']).optional(),
  limits: limitsSchema,
  image: z.string().optional(),
  image_digest: z.string().optional(),
  engine: z.enum(['postgres', 'mongodb']),
  engine_version: z.string().optional(),
  /** The server only stands in for the source's own kind: then `engine_version` is what it truly is, by name. */
  substitute: z.literal(true).optional(),
  muster_version: text,
  node_version: text,
  os: text,
});

/** One try of one worker. `lost`: it never said how it ended; `returned`: given back to the queue, unfinished. */
export const attemptSchema = z.strictObject({
  worker: text,
  started_at: timestamp,
  ended_at: timestamp.optional(),
  outcome: z.enum(['pass', 'fail', 'error', 'lost', 'returned']),
  reason: reason.optional(),
});

export const predicateSchema = z.strictObject({
  drill_id: drillId,
  source: z.strictObject({ slug, kind: z.enum(['postgres', 'mongodb']) }),
  trigger: z.strictObject({
    kind: z.enum(['schedule', 'api', 'cli']),
    schedule: z.string().optional(),
    scheduled_for: timestamp.optional(),
    requested_by: z.string().optional(),
  }),
  config_sha256: digest,
  restore_point: restorePointSchema,
  /** True where the source asked for no checks at all (`restore_only: true`). */
  restore_only: z.literal(true).optional(),
  backup: backupSchema.optional(),
  /** Absent where nothing was found, and of a live source. */
  newest_backup: newestBackupSchema.optional(),
  environment: environmentSchema,
  /** Where the source has some. */
  companions: z.array(companionSchema).min(1).optional(),
  /** Present where no worker could finish, and the sink speaks for them. */
  issued_by: z.literal('sink').optional(),
  phases: z.array(phaseSchema),
  restore: z
    .strictObject({
      duration_ms: count,
      bytes: count,
      objects: count.optional(),
      /** Where there are several: those that were restored. */
      databases: z.array(z.string().max(64)).max(1000).optional(),
      /** Where more than one thing restores that format: which did. */
      tool: restoreTool.optional(),
      delta: deltaSchema.optional(),
      warnings: z.array(warningSchema),
    })
    .optional(),
  /** Of a backup that is recovered from WAL, as the server's own log tells it; present where it reached its target. */
  recovery: recoverySchema.optional(),
  /** Where what was recorded of the database when it was dumped is there to be compared, or should be. */
  fidelity: fidelitySchema.optional(),
  /** Where the source has some. */
  objectives: objectivesSchema.optional(),
  checks: z.array(checkSchema),
  /** Every try. Empty only where no worker ever tried it. */
  attempts: z.array(attemptSchema),
  result,
  reason: reason.optional(),
  issued_at: timestamp,
  /** Where the drill was traced: the W3C Trace Context trace-id that its spans and log lines have. */
  trace_id: traceId.optional(),
});

export const statementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.tuple([z.strictObject({ name: text, digest: z.strictObject({ sha256: hex64 }) })]),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: predicateSchema,
});

/** The signed statement of what one drill saw, as it is written (snake_case, receipts.md). */
export type Statement = z.infer<typeof statementSchema>;
export type Predicate = Statement['predicate'];
export type PhaseName = (typeof PHASES)[number];
export type PhaseRecord = Predicate['phases'][number];
export type CheckRecord = Predicate['checks'][number];
export type RestoreTool = z.infer<typeof restoreTool>;
export type CompanionRecord = z.infer<typeof companionSchema>;
export type DeltaRecord = z.infer<typeof deltaSchema>;
export type RecoveryRecord = z.infer<typeof recoverySchema>;
export type RestoreWarning = z.infer<typeof warningSchema>;
export type Attempt = z.infer<typeof attemptSchema>;
export type HeldLimits = z.infer<typeof limitsSchema>;
