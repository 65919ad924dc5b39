import { type CheckRecord, isMusterError, isReason, MusterError, type Predicate } from '@muster/core';
import { asMusterError } from './as-muster-error.js';
import { chooseDatabase } from './choose-database.js';
import type { DrillEvent } from './drill-event.js';
import type { DrillOutcome, DrillPorts, DrillRequest, KeptScratch } from './drill-ports.js';
import { fetchBackup } from './fetch.js';
import { explain, type Launched, launch } from './launch.js';
import { type Located, type LocatedRemote, locate } from './locate.js';
import { missedMessage } from './missed-message.js';
import { createPhases, type Phases } from './phases.js';
import { placesFor } from './place.js';
import { question } from './question.js';
import { restore } from './restore.js';
import { restoreGlobals } from './restore-globals.js';
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

/** The way of one drill: locate, launch, restore, check, destroy. Fills `seen` as it goes. */
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
  const { located, launched, database } = await restoreReaching(ports, request, found, seen, phases);
  try {
    await check(ports, request, located, launched, database, seen, phases);
  } catch (error) {
    if (request.keepMs === undefined || isMusterError(error, 'cancelled')) {
      await destroy(launched, phases);
      throw error;
    }
    seen.fault = asMusterError(error);
  }
  if (request.keepMs !== undefined) return keep(launched, located, database);
  await destroy(launched, phases);
  return undefined;
}

/** A point whose place in WAL is not known may lie before the newest backup: then it is looked for behind older ones. */
async function restoreReaching(
  ports: DrillPorts,
  request: DrillRequest,
  found: Located | LocatedRemote,
  seen: Seen,
  phases: Phases,
): Promise<Restoring & { readonly located: Located }> {
  const older = found.kind === 'file' ? [...(found.older ?? [])] : [];
  const tried: string[] = [];
  for (let one = found; ; ) {
    try {
      return await fetchAndRestore(ports, request, one, seen, phases);
    } catch (error) {
      if (!isMusterError(error, 'target_not_reached')) throw error;
      if (seen.found !== undefined) tried.push(seen.found.id);
      const next = older.shift();
      if (next === undefined) throw tried.length < 2 ? error : nowhere(error, tried);
      one = next;
      const { id, location, createdAt, createdAtFrom, artefact } = next;
      seen.found = { id, location, createdAt, createdAtFrom, sizeBytes: artefact.sizeBytes };
      delete seen.examined;
      ports.observe(locatedEvent(one, seen));
    }
  }
}

const nowhere = (error: MusterError, tried: readonly string[]): MusterError =>
  new MusterError(
    'target_not_reached',
    `${error.message} It was looked for behind the sets ${tried.join(', ')}; a time or a WAL location finds the set before it by itself.`,
    { cause: error },
  );

/** What was fetched is gone again once it has been restored. */
async function fetchAndRestore(
  ports: DrillPorts,
  request: DrillRequest,
  found: Located | LocatedRemote,
  seen: Seen,
  phases: Phases,
): Promise<Restoring & { readonly located: Located }> {
  const { limits } = request.source;
  if (found.kind !== 'remote') {
    seen.facts = found.facts;
    return { located: found, ...(await launchAndRestore(ports, request, found, seen, phases)) };
  }
  const spool = await ports.spool(request.plan.drill_id);
  try {
    const located = await phases.run({ name: 'fetch', limitMs: limits.fetch }, (signal) =>
      fetchBackup(ports, request, found, spool, seen, signal),
    );
    seen.facts = located.facts;
    return { located, ...(await launchAndRestore(ports, request, located, seen, phases)) };
  } finally {
    await spool.remove();
  }
}

interface Restoring {
  readonly launched: Launched;
  readonly database: string;
}

/** In memory where it surely fits; if that was a wrong guess, once more on disk. */
async function launchAndRestore(
  ports: DrillPorts,
  request: DrillRequest,
  located: Located,
  seen: Seen,
  phases: Phases,
): Promise<Restoring> {
  const { limits } = request.source;
  const [first, ...rest] = placesFor(
    request.source,
    located.kind === 'file' ? located.artefact.sizeBytes : undefined,
  );
  for (let place = first; ; ) {
    const launched = await phases.run({ name: 'launch', limitMs: limits.launch }, async (signal) => {
      const up = await launch(ports, request, located, place, signal);
      ports.observe(launchedEvent(request, up));
      return up;
    });
    seen.base = launched.base;
    seen.scratch = launched.scratch;
    const { version, substitute } = launched.server;
    seen.engineVersion = substitute ?? version;
    seen.substitute = substitute !== undefined;
    try {
      const restored = await phases.run(
        { name: 'restore', limitMs: limits.restore, lost: launched.lost },
        async (signal) => {
          await restoreGlobals(ports, request, located, launched, seen, signal);
          return await restore(ports, request, located, launched, seen, signal);
        },
      );
      seen.restored = restored.report;
      seen.facts = restored.facts;
      return { launched, database: chooseDatabase(request.source, located, restored.report.databases) };
    } catch (error) {
      await destroy(launched, phases);
      const next = rest.shift();
      if (!isMusterError(error, 'scratch_disk_full') || next === undefined) throw error;
      place = next;
    }
  }
}

async function check(
  ports: DrillPorts,
  request: DrillRequest,
  located: Located,
  launched: Launched,
  database: string,
  seen: Seen,
  phases: Phases,
): Promise<void> {
  const { source, plan } = request;
  if (source.checks.length === 0) return;
  const context = {
    now: ports.now,
    observe: ports.observe,
    output: (text: string) => ports.output(plan.drill_id, text),
    summaries: source.summaries,
  };
  const where = { database, backupCreatedAt: located.createdAt };
  await phases.run({ name: 'check', limitMs: source.limits.drill, lost: launched.lost }, (signal) =>
    question(
      context,
      launched.server,
      source.checks,
      where,
      (record) => seen.checks.push(record),
      signal,
    ).catch((error) => explain(launched, source, error, signal)),
  );
}

function destroy(launched: Launched, phases: Phases): Promise<void> {
  return phases.finish('destroy', () => launched.scratch.destroy());
}

function keep(launched: Launched, located: Located, database: string): KeptScratch {
  return {
    server: launched.server,
    database,
    socketDir: launched.scratch.socketDir,
    backupCreatedAt: located.createdAt,
    connectCommand: launched.server.connectCommand(database),
    lost: launched.scratch.lost,
    release: () => launched.scratch.destroy(),
  };
}

function messageOf({ fault }: Seen, predicate: Predicate): string | undefined {
  const missed = predicate.reason === 'rpo_missed' || predicate.reason === 'rto_missed';
  return fault?.message ?? (missed ? missedMessage(predicate) : checksMessage(predicate.checks));
}

/** A verdict names so many checks; the table has them all. */
const NAMED_CHECKS = 10;

/** Which checks did not pass, and why. */
function checksMessage(checks: readonly CheckRecord[]): string | undefined {
  const others = checks.filter((check) => check.verdict !== 'pass');
  if (others.length === 0) return undefined;
  const named = others
    .slice(0, NAMED_CHECKS)
    .map(({ id, verdict, reason }) => `${id} (${reason ?? verdict})`);
  const more = others.length - named.length;
  return `${others.length} of ${checks.length} checks did not pass: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
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

function launchedEvent(request: DrillRequest, { scratch, base, server }: Launched): DrillEvent {
  const { isolation } = scratch;
  return {
    type: 'launched',
    isolation,
    ...(base.image && { image: base.image }),
    engine: request.source.kind,
    engineVersion: server.substitute ?? server.version,
    ...(server.substitute !== undefined && { substitute: true as const }),
  };
}

function locatedEvent(located: Located | LocatedRemote, seen: Seen): DrillEvent {
  const { id, location, createdAt } = located.kind === 'remote' ? located.backup : located;
  const sizeBytes = seen.found?.sizeBytes;
  return {
    type: 'located',
    backup: id,
    location,
    ...(sizeBytes !== undefined && { sizeBytes }),
    createdAt,
    ...(located.kind !== 'remote' && { format: located.facts.format }),
  };
}
