import { sha256 } from './digest.js';
import { canonicalJson } from './jcs.js';
import type { Plan } from './plan.js';
import type { Reason } from './reason.js';
import { type Attempt, PREDICATE_TYPE, type Predicate, STATEMENT_TYPE, type Statement } from './statement.js';

/** Why no worker could write the receipt of a drill. */
export const UNFINISHED_REASONS = [
  'worker_lost',
  'lost',
  'missed',
  'overrun_skipped',
  'cancelled',
  'no_capacity',
  'config_unavailable',
  'internal_error',
] as const satisfies readonly Reason[];
export type UnfinishedReason = (typeof UNFINISHED_REASONS)[number];

/** A drill that ends without a worker's receipt: the sink signs one for it. */
export interface Unfinished {
  readonly plan: Plan;
  readonly reason: UnfinishedReason;
  /** What is known of its tries, in order. */
  readonly attempts: readonly Attempt[];
  /** Of its trace, where there is one: 32 hex digits. */
  readonly traceId?: string | undefined;
}

export interface UnfinishedIssuer {
  /** The host of the sink. */
  readonly host: string;
  readonly musterVersion: string;
  readonly nodeVersion: string;
  readonly os: string;
  readonly now: Date;
}

/** The statement that a drill was asked for and that nothing can be said of its backup: always an `error`. */
export function unfinishedStatement(
  { plan, reason, attempts, traceId }: Unfinished,
  issuer: UnfinishedIssuer,
): Statement {
  const { slug, kind } = plan.source;
  const digest = sha256(canonicalJson(plan)).slice('sha256:'.length);
  const predicate: Predicate = {
    drill_id: plan.drill_id,
    source: plan.source,
    trigger: plan.trigger,
    config_sha256: plan.config_sha256,
    restore_point: plan.restore_point,
    ...(plan.restore_only && { restore_only: true as const }),
    ...(plan.objectives && { objectives: plan.objectives }),
    environment: {
      worker: issuer.host,
      pool: plan.pool,
      limits: {},
      engine: kind,
      muster_version: issuer.musterVersion,
      node_version: issuer.nodeVersion,
      os: issuer.os,
    },
    issued_by: 'sink',
    phases: [],
    checks: plan.checks.map((check) => ({ ...check, verdict: 'not_run' as const })),
    attempts: [...attempts],
    result: 'error',
    reason,
    issued_at: issuer.now.toISOString(),
    ...(traceId && { trace_id: traceId }),
  };
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: `${slug}/plan`, digest: { sha256: digest } }],
    predicateType: PREDICATE_TYPE,
    predicate,
  };
}
