import { ulid } from 'ulid';
import { z } from 'zod';
import { fidelitySchema } from './fidelity.js';
import { drillTime } from './ids.js';
import { STATEMENT_TYPE } from './statement.js';
import { wellFormed } from './well-formed.js';

/** Of another type than a drill: a rehearsal proves how backups are taken and restored, and nothing of any that is kept. */
export const REHEARSAL_TYPE = 'urn:muster:rehearsal:v1';

const REHEARSAL_ID = /^reh_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export const newRehearsalId = (now: Date, random?: () => number): string =>
  `reh_${ulid(now.getTime(), random)}`;

/** Where its receipt lies: beside the receipts of drills, and never among them. */
export function rehearsalKey(slug: string, rehearsalId: string): string {
  const day = drillTime(rehearsalId.replace(/^reh_/, 'drl_')).toISOString().slice(0, 10).replaceAll('-', '/');
  return `rehearsals/${slug}/${day}/${rehearsalId}.sigstore.json`;
}

const timestamp = z.iso.datetime({ precision: 3, offset: false });
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const count = z.int().nonnegative();
const name = wellFormed.min(1).max(300);

export const REHEARSAL_PHASES = [
  'prepare',
  'seed',
  'record',
  'take',
  'destroy',
  'restore',
  'compare',
] as const;
export type RehearsalPhase = (typeof REHEARSAL_PHASES)[number];

/** One thing before the data was destroyed, and after it was restored. */
const comparisonSchema = z.strictObject({
  what: z.enum(['schema_version', 'row_count', 'sentinel']),
  /** The table; of a schema version `version`. */
  name,
  /** Absent = it was not there, or its owner lets no values into receipts (`summaries: none`). */
  before: wellFormed.max(1000).optional(),
  after: wellFormed.max(1000).optional(),
  equal: z.boolean(),
});
export type RehearsalComparison = z.infer<typeof comparisonSchema>;

export const rehearsalPredicateSchema = z.strictObject({
  rehearsal_id: z.string().regex(REHEARSAL_ID),
  source: z.strictObject({ slug: z.string().regex(/^[a-z0-9-]+$/), kind: z.enum(['postgres', 'mongodb']) }),
  started_at: timestamp,
  ended_at: timestamp,
  /** `fail`: what came back is not what was there; `error`: it did not come to that. */
  result: z.enum(['pass', 'fail', 'error']),
  reason: z
    .string()
    .regex(/^[a-z_]{1,64}$/)
    .optional(),
  restore_success: z.boolean(),
  /** What stood in for production. */
  stand_in: z
    .strictObject({
      made_from: z.enum(['base', 'migrations', 'seed']),
      engine_version: name,
      substitute: z.literal(true).optional(),
    })
    .optional(),
  backup: z
    .strictObject({
      id: name,
      sha256: digest,
      size_bytes: count,
      format: z.string().max(64),
      encrypted: z.boolean(),
    })
    .optional(),
  comparisons: z.array(comparisonSchema).max(10_000),
  /** Where the backup has its own record: everything that it compares. */
  fidelity: fidelitySchema.optional(),
  phases: z.array(
    z.strictObject({
      name: z.enum(REHEARSAL_PHASES),
      duration_ms: count,
      outcome: z.enum(['done', 'failed']),
    }),
  ),
  muster: z.strictObject({ version: name }),
});
export type RehearsalPredicate = z.infer<typeof rehearsalPredicateSchema>;

export const rehearsalStatementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  /** The backup that was taken; where there is none, the rehearsal itself. */
  subject: z.tuple([
    z.strictObject({ name, digest: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }) }),
  ]),
  predicateType: z.literal(REHEARSAL_TYPE),
  predicate: rehearsalPredicateSchema,
});
export type RehearsalStatement = z.infer<typeof rehearsalStatementSchema>;

/** What in it contradicts the rest. Empty = nothing. */
export function rehearsalFaults({ subject: [subject], predicate }: RehearsalStatement): readonly string[] {
  const { result, restore_success: success, comparisons, backup, fidelity, reason } = predicate;
  const differs = comparisons.some(({ equal }) => !equal) || fidelity?.verdict === 'different';
  const unlike = comparisons.filter(
    ({ before, after, equal }) => before !== undefined && after !== undefined && (before === after) !== equal,
  );
  const wholly = predicate.phases.map(({ name }) => name).join() === REHEARSAL_PHASES.join();
  return [
    ...(Date.parse(predicate.ended_at) < Date.parse(predicate.started_at)
      ? ['it ended before it began']
      : []),
    ...(success !== (result === 'pass') ? ['restore_success is not what the result says'] : []),
    ...(result === 'pass' && (differs || reason !== undefined)
      ? ['the result is pass, and something differs']
      : []),
    ...(result === 'pass' && (!wholly || backup === undefined)
      ? ['the result is pass, and not all was done']
      : []),
    ...(result !== 'pass' && reason === undefined ? ['it has no reason'] : []),
    ...unlike.map(({ name }) => `${name} is said to be other than it is`),
    ...(backup && backup.sha256 !== `sha256:${subject.digest.sha256}`
      ? ['its subject is not its backup']
      : []),
  ];
}
