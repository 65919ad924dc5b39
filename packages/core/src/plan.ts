import { z } from 'zod';
import { CHECK_ROLES, type Check } from './check.js';
import { checkSha256, expectSha256 } from './check-hash.js';
import type { Config, Source } from './config/config.js';
import { MusterError } from './error.js';
import { DRILL_ID, drillTime } from './ids.js';
import { plannedObjectives } from './objectives.js';
import { promiseSchema } from './promise-schema.js';
import {
  askedWord,
  EXPECTED_TIME,
  isWalPoint,
  RESTORE_POINT_KINDS,
  type RestorePoint,
  readAskedWord,
} from './restore-point.js';
import { wellFormed } from './well-formed.js';

const name = z.string().regex(/^[a-z0-9-]+$/);
/** RFC 3339, UTC, milliseconds. */
const timestamp = z.iso.datetime({ precision: 3, offset: false });

/**
 * What a drill was asked to do: written into the evidence store before the drill is queued, and carried by its job.
 * It holds references and digests only, never a secret or the text of a check; and enough for a receipt that says that
 * nothing could be seen, also when Redis and the configuration are gone.
 */
export const planSchema = z.strictObject({
  drill_id: z.string().regex(DRILL_ID),
  source: z.strictObject({ slug: name, kind: z.enum(['postgres', 'mongodb']) }),
  trigger: z.strictObject({
    kind: z.enum(['schedule', 'api', 'cli']),
    schedule: wellFormed.optional(),
    scheduled_for: timestamp.optional(),
    requested_by: wellFormed.optional(),
  }),
  pool: name,
  restore_point: z.strictObject({
    kind: z.enum(RESTORE_POINT_KINDS),
    asked: wellFormed.optional(),
  }),
  restore_only: z.literal(true).optional(),
  /** Not all checks of the source were asked for. */
  partial: z.literal(true).optional(),
  objectives: promiseSchema.optional(),
  /** In order. */
  checks: z.array(
    z.strictObject({
      id: wellFormed,
      check_sha256: wellFormed,
      expect_sha256: wellFormed,
      /** Where the schedule names it. */
      role: z.enum(CHECK_ROLES).optional(),
    }),
  ),
  config_sha256: wellFormed,
});

export type Plan = z.infer<typeof planSchema>;

export interface PlanAsked {
  readonly drillId: string;
  readonly trigger: Plan['trigger'];
  /** A time before the drill (`-2h`) is before the time of its id: when it is due, or was asked for. */
  readonly restorePoint: RestorePoint;
  /** Another pool than the source's. */
  readonly pool?: string;
}

/**
 * The plan of one drill of a source, which may have been left some of its checks, under this configuration.
 * @throws `usage` for a restore point without meaning, or of a source that has none but the latest.
 */
export function createPlan(config: Config, source: Source, asked: PlanAsked): Plan {
  const { restorePoint } = asked;
  const word = askedWord(restorePoint, drillTime(asked.drillId));
  if (restorePoint.kind === 'time' && word === undefined) {
    throw new MusterError('usage', `That is no restore point: ${EXPECTED_TIME}.`);
  }
  if (source.backup.type === 'live' && restorePoint.kind !== 'latest') {
    throw new MusterError(
      'usage',
      `The source "${source.slug}" is dumped live and keeps no backups: only the latest can be drilled.`,
    );
  }
  if (isWalPoint(restorePoint) && source.backup.type !== 'pgbackrest') {
    throw new MusterError(
      'usage',
      `The backups of the source "${source.slug}" have no WAL, so there is no ${restorePoint.kind} in them: ask for one by its id, or by time.`,
    );
  }
  return {
    drill_id: asked.drillId,
    source: { slug: source.slug, kind: source.kind },
    trigger: asked.trigger,
    pool: asked.pool ?? source.pool,
    restore_point: { kind: restorePoint.kind, ...(word !== undefined && { asked: word }) },
    ...(source.restoreOnly && { restore_only: true as const }),
    ...(asksSome(config, source) && { partial: true as const }),
    ...(source.objectives && { objectives: plannedObjectives(source.objectives) }),
    checks: source.checks.map(identityOf),
    config_sha256: config.configSha256,
  };
}

/** What plans and receipts say of a check: never its text. */
export function identityOf(check: Check): Plan['checks'][number] {
  const { id, expect, role } = check;
  return {
    id,
    check_sha256: checkSha256(check),
    expect_sha256: expectSha256(expect),
    ...(role && { role }),
  };
}

function asksSome({ sources }: Config, { slug, checks }: Source): boolean {
  const whole = sources.find((source) => source.slug === slug);
  return whole !== undefined && checks.length < whole.checks.length;
}

/** The restore point that a plan asks for. @throws `not_supported_yet` for one of a later Muster. */
export function restorePointOf({ restore_point: { kind, asked } }: Plan): RestorePoint {
  const point = readAskedWord(kind, asked);
  if (point !== undefined) return point;
  throw new MusterError('not_supported_yet', `A restore point of the kind "${kind}" is not supported yet.`);
}
