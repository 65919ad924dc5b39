import { isMusterError, isReason, MusterError } from '@muster/core';
import { askChecks, type ChecksToAsk } from '@muster/engines';
import { asMusterError } from './as-muster-error.js';
import { type Companions, companionsOf } from './companions.js';
import { compare } from './compare.js';
import type { DrillOutcome, DrillPorts, DrillRequest, KeptScratch } from './drill-ports.js';
import { locatedEvent } from './events.js';
import { destroy, explain } from './launch.js';
import { locate } from './locate.js';
import { messageOf } from './message.js';
import { createPhases, type Phases } from './phases.js';
import { recordingsOf } from './recordings.js';
import { type Needed, type Restored, restoreReaching } from './restore-reaching.js';
import type { Seen } from './seen.js';
import { buildStatement } from './statement.js';

/**
 * One drill, from plan to signed receipt, which the caller keeps. It resolves with a receipt whatever happens to the
 * drill, cancellation included.
 */
export async function runDrill(
  ports: DrillPorts,
  request: DrillRequest,
  signal: AbortSignal,
): Promise<DrillOutcome> {
  const startedAt = ports.now();
  const deadline = AbortSignal.timeout(request.source.limits.drill);
  const phases = createPhases({ now: ports.now, observe: ports.observe, cancel: signal, deadline });
  const seen: Seen = { checks: [] };
  const kept = await perform(ports, request, seen, phases).catch((error: unknown) => {
    seen.fault = asMusterError(error);
    noteOutput(ports, request, seen.fault);
    return undefined;
  });
  try {
    const times = { startedAt, endedAt: ports.now(), phases: [...phases.records] };
    const statement = buildStatement(ports, request, seen, times);
    const { result, reason } = statement.predicate;
    const message = messageOf(seen, statement.predicate);
    ports.observe({ type: 'judged', result, ...(reason && { reason }), ...(message && { message }) });
    const receipt = ports.signer.sign(statement);
    const listing = statement.predicate.restore_point.listing_sha256 && seen.listing?.listing;
    return {
      statement,
      receipt,
      ...(listing && { listing }),
      ...(message && { message }),
      ...(kept && { kept }),
    };
  } catch (error) {
    await kept?.release();
    throw error;
  }
}

/** The way of one drill: locate, launch, restore, compare, check, destroy. Fills `seen` as it goes. */
async function perform(
  ports: DrillPorts,
  request: DrillRequest,
  seen: Seen,
  phases: Phases,
): Promise<KeptScratch | undefined> {
  const { plan, source } = request;
  const checks = plan.checks.map(({ id }) => id);
  ports.observe({ type: 'planned', drillId: plan.drill_id, source: source.slug, checks });
  const found = await phases.run({ name: 'locate', limitMs: source.limits.locate }, async (signal) => {
    const one = await locate(ports, request, seen, signal);
    ports.observe(locatedEvent(one, seen));
    return one;
  });
  const companions = companionsOf(ports, request, seen);
  const { kind } = request.source;
  const live = found.kind === 'live' ? { dumper: ports.liveDumperOf(kind), uri: found.uri } : undefined;
  const recordings = recordingsOf(request.source, live);
  let kept: KeptScratch | undefined;
  try {
    const needed = { found, companions, recordings };
    const restored = await restoreReaching(ports, request, needed, seen, phases);
    kept = await checkAndKeep(ports, request, { ...restored, companions, recordings }, seen, phases);
    return kept;
  } finally {
    await recordings.release();
    if (kept === undefined) await companions.release();
  }
}

/** Compares what came back with what was recorded, and asks the checks. The scratch is destroyed then, unless it is to be kept. */
async function checkAndKeep(
  ports: DrillPorts,
  request: DrillRequest,
  there: Restored & Omit<Needed, 'found'>,
  seen: Seen,
  phases: Phases,
): Promise<KeptScratch | undefined> {
  const { launched } = there;
  try {
    await compare(request, there, seen, phases);
    await check(ports, request, there, seen, phases);
  } catch (error) {
    if (request.keepMs === undefined || isMusterError(error, 'cancelled')) {
      await destroy(launched, phases);
      throw error;
    }
    seen.fault = asMusterError(error);
  }
  if (request.keepMs !== undefined) return keep(there);
  await destroy(launched, phases);
  return undefined;
}

async function check(
  ports: DrillPorts,
  request: DrillRequest,
  { located, launched, database, companions }: Restored & { readonly companions: Companions },
  seen: Seen,
  phases: Phases,
): Promise<void> {
  const { source, plan } = request;
  if (source.checks.length === 0) return;
  const asked: ChecksToAsk = {
    checks: source.checks,
    database,
    backupCreatedAt: located.createdAt,
    summaries: source.summaries,
    now: ports.now,
    onOutput: (text) => ports.output(plan.drill_id, text),
    onStart: ({ id }) => ports.observe({ type: 'check-started', id }),
    onRecord: (record) => {
      seen.checks.push(record);
      ports.observe({ type: 'check-ended', check: record });
    },
    lost: ({ id }) =>
      new MusterError('scratch_lost', `The scratch's server ended while it answered the check "${id}".`),
  };
  await phases.run({ name: 'check', limitMs: source.limits.drill, lost: launched.lost }, (signal) =>
    companions
      .under(() => askChecks(launched.server, asked, signal), signal)
      .catch((error) => explain(launched, source, error, signal)),
  );
}

function keep({
  launched,
  located,
  database,
  companions,
}: Restored & { readonly companions: Companions }): KeptScratch {
  return {
    scratch: launched.scratch,
    server: launched.server,
    database,
    socketDir: launched.scratch.socketDir,
    backupCreatedAt: located.createdAt,
    connectCommand: launched.server.connectCommand(database),
    lost: launched.lost,
    release: async () => {
      await launched.scratch.destroy();
      await companions.release();
    },
  };
}

/** What must not be in the receipt goes to the worker's own diagnosis file. */
function noteOutput(ports: DrillPorts, request: DrillRequest, fault: MusterError): void {
  const lines = [`${fault.code}: ${fault.message}`];
  for (
    let error: unknown = fault;
    error !== undefined;
    error = error instanceof Error ? error.cause : undefined
  ) {
    if (error instanceof MusterError && error.output !== undefined) lines.push(error.output);
    else if (error !== fault)
      lines.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  if (!isReason(fault.code) && fault.stack !== undefined) lines.push(fault.stack);
  ports.output(request.plan.drill_id, `${lines.join('\n')}\n`);
}
