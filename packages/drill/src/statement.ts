import { release, type } from 'node:os';
import {
  type CheckRecord,
  canonicalJson,
  checkConsistency,
  type ErrorCode,
  failedReason,
  isReason,
  judgeObjectives,
  type Measured,
  missedObjective,
  NEWEST_UNCHANGED,
  newestMark,
  type Plan,
  PREDICATE_TYPE,
  type Predicate,
  REASONS,
  type Reason,
  rollUp,
  type Source,
  STATEMENT_TYPE,
  type Statement,
  sha256,
  UNCHANGED_DRILLS,
  type Verdict,
} from '@muster/core';
import { notRun } from '@muster/engines';
import type { DrillPorts, DrillRequest } from './drill-ports.js';
import type { Seen } from './seen.js';

/**
 * The verdict of a drill: the checks' roll-up, unless something kept it from judging them all. An objective that was
 * missed makes a fail of a drill that came to its end: one that did not is tried again first.
 */
export function judgeDrill(
  seen: Seen,
  source: Source,
  objectives?: Predicate['objectives'],
): { readonly result: Verdict; readonly reason?: Reason } {
  const checks = withNotRun(seen, source);
  // What a check or the comparison found against the backup stands, whatever happened to the scratch after it.
  const failed = failedReason(checks);
  if (failed !== undefined) return { result: 'fail', reason: failed };
  if (seen.fidelity?.verdict === 'different') return { result: 'fail', reason: 'fidelity_different' };
  if (seen.fault !== undefined) {
    const reason = reasonOf(seen.fault.code);
    return { result: REASONS[reason].result, reason };
  }
  const missed = missedObjective(objectives);
  if (missed !== undefined) return { result: 'fail', reason: missed };
  const result = rollUp(checks.map((check) => check.verdict));
  return result === 'pass' ? { result } : { result, reason: 'check_error' };
}

function reasonOf(code: ErrorCode): Reason {
  if (isReason(code)) return code;
  return code === 'state_unwritable' ? 'launch_failed' : 'internal_error';
}

interface Times {
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly phases: Predicate['phases'];
}

/**
 * The statement of what was seen (receipts.md). Clocks of hosts may tell a story of the earlier tries that contradicts
 * this one: what was seen now is better said without them than not at all.
 */
export function buildStatement(
  ports: DrillPorts,
  request: DrillRequest,
  seen: Seen,
  times: Times,
): Statement {
  const whole = statementOf(ports, request, seen, times);
  return checkConsistency(whole).length === 0
    ? whole
    : statementOf(ports, { ...request, earlier: [] }, seen, times);
}

function statementOf(ports: DrillPorts, request: DrillRequest, seen: Seen, times: Times): Statement {
  const { plan, source } = request;
  const measured = {
    phases: times.phases,
    ...(seen.found && { backup: backupOf(seen, seen.found) }),
    ...restoreOf(seen, times.phases),
    ...newestOf(seen),
  };
  const objectives = plan.objectives && judgeObjectives(plan.objectives, measured);
  const { result, reason } = judgeDrill(seen, source, objectives);
  const verdict = { result, ...(reason && { reason }) };
  const attempt = {
    worker: ports.worker.name,
    started_at: times.startedAt.toISOString(),
    ended_at: times.endedAt.toISOString(),
    outcome: result,
    ...(reason && { reason }),
  };
  return {
    _type: STATEMENT_TYPE,
    subject: [subjectOf(request, seen)],
    predicateType: PREDICATE_TYPE,
    predicate: {
      drill_id: plan.drill_id,
      source: { slug: source.slug, kind: source.kind },
      trigger: plan.trigger,
      config_sha256: request.config.configSha256,
      restore_point: restorePointOf(plan, seen),
      ...(source.restoreOnly && { restore_only: true as const }),
      environment: environmentOf(ports, request, seen),
      ...(seen.companions?.length && { companions: [...seen.companions] }),
      ...withWarnings(measured, request),
      ...(seen.fidelity && { fidelity: seen.fidelity }),
      ...(objectives && { objectives }),
      checks: withNotRun(seen, source),
      attempts: [...(request.earlier ?? []), attempt],
      ...verdict,
      issued_at: times.endedAt.toISOString(),
      ...(request.traceId && { trace_id: request.traceId }),
    },
  };
}

function restorePointOf(
  { restore_point: point }: Plan,
  { found, listing, listed }: Seen,
): Predicate['restore_point'] {
  if (found === undefined) return { ...point, ...(listed !== undefined && { listed }) };
  return { ...point, resolved: found.id, ...(listing && { listing_sha256: listing.listingSha256 }) };
}

/** Dead backup jobs do not stay green: where no objective would tell, a warning does. */
function withWarnings(measured: Measured, { plan, newestBefore = [] }: DrillRequest): Measured {
  const { restore, newest_backup: newest } = measured;
  if (restore === undefined || newest === undefined || plan.objectives?.rpo_s !== undefined) return measured;
  const mark = newestMark(newest);
  if (newestBefore.length < UNCHANGED_DRILLS || newestBefore.some((before) => before !== mark))
    return measured;
  const warning = { code: NEWEST_UNCHANGED, count: newestBefore.length };
  return { ...measured, restore: { ...restore, warnings: [...restore.warnings, warning] } };
}

/** Of what is known by now: the head of the backup that was chosen may have told a later time than the listing. */
export function newestOf({
  newest: listed,
  found,
}: Pick<Seen, 'newest' | 'found'>): Pick<Predicate, 'newest_backup'> {
  if (listed === undefined) return {};
  const { id, createdAt, createdAtFrom } =
    found !== undefined && found.createdAt > listed.createdAt ? found : listed;
  return { newest_backup: { id, created_at: createdAt.toISOString(), created_at_from: createdAtFrom } };
}

/** The backup by its digest; the plan where no bytes could be identified. */
function subjectOf(request: DrillRequest, seen: Seen): Statement['subject'][0] {
  const { slug } = request.source;
  if (seen.found !== undefined && seen.examined !== undefined) {
    return { name: `${slug}/${seen.found.id}`, digest: { sha256: bareHex(seen.examined.sha256) } };
  }
  return { name: `${slug}/plan`, digest: { sha256: bareHex(sha256(canonicalJson(request.plan))) } };
}

export function backupOf(
  seen: Pick<Seen, 'facts' | 'examined' | 'globals'>,
  found: NonNullable<Seen['found']>,
): NonNullable<Predicate['backup']> {
  const { facts, examined, globals } = seen;
  const size = examined?.sizeBytes ?? found.sizeBytes;
  return {
    id: found.id,
    ...(examined && { sha256: examined.sha256 }),
    ...(size !== undefined && { size_bytes: size }),
    created_at: found.createdAt.toISOString(),
    created_at_from: found.createdAtFrom,
    ...(facts && { format: facts.format }),
    ...(facts?.toolVersion && { tool_version: asTold(facts.toolVersion) }),
    ...(facts?.serverVersion && { server_version: asTold(facts.serverVersion) }),
    location: found.location,
    ...(globals && {
      globals: {
        id: globals.id,
        ...(globals.examined && {
          sha256: globals.examined.sha256,
          size_bytes: globals.examined.sizeBytes,
        }),
        location: globals.location,
      },
    }),
  };
}

const MAX_TOLD = 64;
/** A receipt names no more. */
const MAX_DATABASES = 1000;

/** What a backup or a server says of itself, as a receipt can hold it whatever that is. */
export const asTold = (text: string): string => text.slice(0, MAX_TOLD).toWellFormed();

function environmentOf(ports: DrillPorts, request: DrillRequest, seen: Seen): Predicate['environment'] {
  const { base, scratch } = seen;
  return {
    worker: ports.worker.name,
    pool: ports.worker.pool,
    ...(scratch && { isolation: scratch.isolation }),
    limits: scratch?.limits ?? {},
    ...(base?.image && { image: base.image }),
    ...(base?.imageDigest && { image_digest: base.imageDigest }),
    engine: request.source.kind,
    ...(seen.engineVersion && { engine_version: asTold(seen.engineVersion) }),
    ...(seen.substitute && { substitute: true as const }),
    muster_version: ports.musterVersion,
    node_version: process.version,
    os: `${type()} ${release()}`,
  };
}

/** Only of a restore that came to its end: its time is the measured recovery time. */
function restoreOf(seen: Seen, phases: Predicate['phases']): Pick<Predicate, 'restore' | 'recovery'> {
  const phase = phases.findLast((one) => one.name === 'restore' && one.outcome === 'done');
  if (seen.restored === undefined || phase === undefined) return {};
  const { bytes, databases, delta, objects, recovery, tool, warnings } = seen.restored;
  return {
    ...(recovery && { recovery }),
    restore: {
      duration_ms: phase.duration_ms,
      bytes,
      ...(objects !== undefined && { objects }),
      ...(databases.length > 1 && { databases: databases.slice(0, MAX_DATABASES).map(asTold) }),
      ...(tool && { tool }),
      ...(delta && { delta }),
      warnings: [...warnings],
    },
  };
}

function withNotRun(seen: Seen, source: Source): CheckRecord[] {
  return source.checks.map((check) => seen.checks.find((record) => record.id === check.id) ?? notRun(check));
}

const bareHex = (digest: string): string => digest.slice('sha256:'.length);
