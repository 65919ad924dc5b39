import {
  DRILL_ID,
  EXPECTED_POINT,
  MOST_DAYS,
  PASS_RULE,
  PHASES,
  planSchema,
  predicateSchema,
  REASON_CODES,
  readWalPoint,
  type WalPoint,
  wellFormed,
} from '@muster/core';
import { fleetEventSchema, heartbeatSchema } from '@muster/queue';
import { z } from 'zod';
import { problemSchema } from './problem.js';

/** What requests and answers hold: from these the OpenAPI document is made, and every answer is cut to them. */

export const slug = z
  .string()
  .regex(/^[a-z0-9-]{1,100}$/, 'expected lower-case letters, digits and hyphens, 100 at most');
export const time = z.iso.datetime('expected a time in UTC, such as 2026-11-20T03:00:00Z');
const result = z.enum(['pass', 'fail', 'error']);
const reason = z.enum(REASON_CODES);
const traceId = z.string().optional().describe('Of its trace, where the fleet is traced.');

const drillId = z
  .string()
  .regex(DRILL_ID, 'expected the id of a drill: drl_ and 26 characters')
  .describe('drl_ and a ULID.');
export const drillParams = z.object({ id: drillId });
export const sourceParams = z.object({ slug });

const isPoint = (kind: WalPoint['kind']) => (written: string | number) =>
  readWalPoint(kind, String(written)) !== undefined;

export const askSchema = z.strictObject({
  source: slug,
  restore_point: z
    .union(
      [
        z.enum(['latest', 'oldest', 'random']),
        z.strictObject({ id: wellFormed.min(1).max(1_000) }),
        z.strictObject({ random: z.strictObject({ days: z.int().positive().max(MOST_DAYS) }) }),
        z.strictObject({ time: z.string().max(100) }),
        z.strictObject({
          xid: z
            .union([z.int().positive(), z.string()])
            .refine(isPoint('xid'), { error: EXPECTED_POINT.xid }),
        }),
        z.strictObject({ name: z.string().refine(isPoint('name'), { error: EXPECTED_POINT.name }) }),
        z.strictObject({ lsn: z.string().refine(isPoint('lsn'), { error: EXPECTED_POINT.lsn }) }),
      ],
      {
        error:
          'expected latest, oldest, random, {"id": …} with the id of a backup, 1,000 characters at most, {"random": {"days": 14}}, or {"time": …}; of pgBackRest also {"xid": …}, {"name": …} or {"lsn": …}',
      },
    )
    .optional()
    .describe(
      'Which backup: latest (default), oldest, the id of one, one by lot (of so many days), or the newest of a time: RFC 3339, or -2h; of pgBackRest also as of a transaction, a named restore point or a location in WAL.',
    ),
  checks: z.array(z.string().max(200)).min(1).max(200).optional().describe('Some of the source’s own.'),
  pool: slug
    .optional()
    .describe('Another pool than that of the source: of another source, or of a worker that lives.'),
});

export const askedSchema = z.strictObject({
  id: drillId,
  trace_id: traceId,
  warning: z
    .string()
    .optional()
    .describe('What keeps it from beginning soon: no worker serves its pool now.'),
});

export const listQuery = z.strictObject({
  source: slug.optional(),
  result: result.optional(),
  since: time.optional().describe('Asked for at this time or later.'),
  cursor: drillId.optional().describe('next_cursor of the page before.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const endedSchema = z.strictObject({
  id: drillId,
  state: z.literal('ended'),
  source: z.string(),
  result,
  reason: reason.optional(),
  substitute: z
    .literal(true)
    .optional()
    .describe('Another server stood in for the kind of the source: a pass of it is no pass of the source.'),
  asked_at: time,
  issued_at: time,
  duration_ms: z
    .int()
    .optional()
    .describe('How long the try took that came to the result; absent where none came to an end.'),
  backup: z.string().optional(),
  objectives: predicateSchema.shape.objectives.describe('What was promised, and whether it was kept.'),
  trace_id: traceId,
  receipt: z.strictObject({ key: z.string(), sha256: z.string() }),
});
const openSchema = z.strictObject({
  id: drillId,
  state: z
    .enum(['waiting', 'delayed', 'active', 'abandoned', 'storing', 'quarantined'])
    .describe(
      'storing: it has ended, and its receipt waits for the sink. quarantined: its receipt does not count.',
    ),
  source: z.string(),
  pool: z.string().optional().describe('Not known of every drill that has ended.'),
  trigger: predicateSchema.shape.trigger
    .optional()
    .describe('Who or what asked for it; known where the pool is. Of a drill with a receipt that says it.'),
  asked_at: time,
  worker: z.string().optional(),
  phase: z.enum(PHASES).optional(),
  waits_for: z.string().optional(),
  why: z.string().optional().describe('What is wrong with a receipt in quarantine.'),
  trace_id: traceId,
});
export type EndedDrill = z.infer<typeof endedSchema>;
export type OpenDrill = z.infer<typeof openSchema>;

export const drillListSchema = z.strictObject({
  drills: z.array(endedSchema).describe('Newest first.'),
  open: z
    .array(openSchema)
    .optional()
    .describe('Without a stored receipt; on the first page where no result is asked for.'),
  next_cursor: drillId.optional().describe('There is another page.'),
});

/** A try; without an outcome while it runs. */
const openAttemptSchema = predicateSchema.shape.attempts.element.partial({ outcome: true });
export type OpenAttempt = z.infer<typeof openAttemptSchema>;

export const drillSchema = z.union([
  endedSchema.extend({ statement: predicateSchema.describe('What the receipt says: its predicate.') }),
  openSchema.extend({ attempts: z.array(openAttemptSchema) }),
]);

/** What the data of an event hold, as JSON Schema: with when it was told. */
function toldSchema(): object {
  const options = fleetEventSchema.options.map((option) => option.extend({ at: time }));
  const { $schema: _, ...schema } = z.toJSONSchema(z.union(options));
  return schema;
}

/** As a reader of `text/event-stream` sees one. */
export const eventSchema = z.strictObject({
  id: z.string().describe('What Last-Event-ID resumes from.'),
  event: z.string(),
  data: z
    .string()
    .describe('JSON: `at`, `type`, and what belongs to the type.')
    .meta({ contentMediaType: 'application/json', contentSchema: toldSchema() }),
});

export const cancelSchema = z.strictObject({ id: drillId, outcome: z.enum(['cancelled', 'stopping']) });

const scheduleSchema = z.strictObject({
  name: z.string(),
  cron: z.string(),
  tz: z.string(),
  overrun: z.enum(['skip', 'wait']),
  next: time.optional().describe('When it is due next; its drill starts later by its jitter.'),
});
const sourceShape = {
  slug: z.string(),
  kind: z.enum(['postgres', 'mongodb']),
  pool: z.string(),
  checks: z.array(z.string()).describe('Ids, in order.'),
  schedules: z.array(scheduleSchema),
  objectives: planSchema.shape.objectives.describe(
    'What is promised, in seconds, and which of it a drill fails for.',
  ),
};
export const sourceListQuery = z.strictObject({
  cursor: slug.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
});
export const sourceListSchema = z.strictObject({
  sources: z.array(z.strictObject(sourceShape)),
  next_cursor: slug.optional(),
});
export const sourceSchema = z.strictObject({
  ...sourceShape,
  last: endedSchema.optional().describe('The newest drill that ended.'),
  last_pass: time
    .optional()
    .describe(
      `When the newest drill was asked for that counts as a pass; absent where none does. ${PASS_RULE}`,
    ),
  trend: z.array(result).describe('Of the last 20 drills, newest first.'),
  open: z.array(openSchema).describe('Under way, and why they wait.'),
});

export const preflightQuery = z.strictObject({
  schedule: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The backup that this schedule of the source means; absent: the newest.'),
});

export const workerListSchema = z.strictObject({ workers: z.array(heartbeatSchema) });

export const keyListSchema = z.strictObject({
  keys: z.array(z.strictObject({ key_id: z.string(), pem: z.string() })),
  faults: z
    .array(z.strictObject({ file: z.string(), code: z.enum(['key_invalid', 'key_unreadable']) }))
    .optional()
    .describe(
      'Files of the keyring that are no public keys and count for nothing; absent where there are none.',
    ),
});

export const healthSchema = z.strictObject({ status: z.literal('ok') });
const dependency = z.strictObject({ ok: z.boolean(), why: z.string().optional() });
export const readySchema = z.strictObject({
  ready: z.boolean(),
  redis: dependency,
  index: dependency,
  evidence: dependency,
  configuration: dependency,
  producer: dependency.describe('Not ok while none runs.'),
  sink: dependency.describe('Not ok while none runs, or a receipt waits that a sink could not keep.'),
});

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
});
const PROBLEMS = {
  400: problem('The request is not as it is described here.'),
  401: problem('There is no token, or it is not known.'),
  403: problem('The role of the token may not do that.'),
  404: problem('There is none.'),
  409: problem('It is over, or not known; or another is under way.'),
  413: problem('The body is too large.'),
  415: problem('The body is not JSON.'),
  422: problem('The Idempotency-Key came with another request before.'),
  429: problem('Too many requests: Retry-After says when to come again.'),
  500: problem('Muster itself failed.'),
  503: problem('Something that Muster needs is away.'),
} as const;

/** What a route may answer besides what it is for. */
export function problems<Status extends keyof typeof PROBLEMS>(
  ...statuses: readonly Status[]
): Pick<typeof PROBLEMS, Status | 429 | 500 | 503> {
  const wanted = [...statuses, 429, 500, 503] as const;
  return Object.fromEntries(wanted.map((status) => [status, PROBLEMS[status]])) as Pick<
    typeof PROBLEMS,
    Status | 429 | 500 | 503
  >;
}
