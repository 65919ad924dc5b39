import { isMusterError, isReason, MusterError } from '@muster/core';
import { askChecks, type ChecksToAsk } from '@muster/engines';
import { asMusterError } from './as-muster-error.js';
import { chooseDatabase } from './choose-database.js';
import { type Companions, companionsOf } from './companions.js';
import { compare } from './compare.js';
import type { DrillOutcome, DrillPorts, DrillRequest, KeptScratch } from './drill-ports.js';
import { launchedEvent, locatedEvent } from './events.js';
import { fetchNeeded } from './fetch.js';
import { explain, type Launched, launch } from './launch.js';
import { type Located, type LocatedRemote, locate } from './locate.js';
import { messageOf } from './message.js';
import { createPhases, type Phases } from './phases.js';
import { placesFor } from './place.js';
import { type Recordings, recordingsOf } from './recordings.js';
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

/** A point whose place in WAL is not known may lie before the newest backup: then it is looked for behind older ones. */
async function restoreReaching(
  ports: DrillPorts,
  request: DrillRequest,
  { found, companions, recordings }: Needed,
  seen: Seen,
  phases: Phases,
): Promise<Restored> {
  const older = found.kind === 'live' ? [] : [...(found.older ?? [])];
  const tried: string[] = [];
  for (let one = found; ; ) {
    try {
      return await fetchAndRestore(ports, request, { found: one, companions, recordings }, seen, phases);
    } catch (error) {
      if (!isMusterError(error, 'target_not_reached')) throw error;
      const notBehind = seen.found?.id;
      if (notBehind !== undefined) tried.push(notBehind);
      const next = older.shift();
      if (next === undefined) throw tried.length < 2 ? error : nowhere(error, tried);
      one = next;
      const { id, location, createdAt, createdAtFrom } = next.kind === 'remote' ? next.backup : next;
      seen.found = { id, location, createdAt, createdAtFrom, sizeBytes: next.artefact.sizeBytes };
      delete seen.examined;
      ports.observe({ ...locatedEvent(one, seen), ...(notBehind !== undefined && { notBehind }) });
    }
  }
}

const nowhere = (error: MusterError, tried: readonly string[]): MusterError =>
  new MusterError(
    'target_not_reached',
    `${error.message} It was looked for behind the sets ${tried.join(', ')}; a time or a WAL location finds the set before it by itself.`,
    { cause: error },
  );

/** What was fetched is gone again once it has been restored; the companions are in the scratch until its end. */
async function fetchAndRestore(
  ports: DrillPorts,
  request: DrillRequest,
  { found, companions, recordings }: Needed,
  seen: Seen,
  phases: Phases,
): Promise<Restored> {
  const { source, plan } = request;
  if (found.kind !== 'remote') seen.facts = found.facts;
  if (found.kind !== 'remote' && companions.areFetched())
    return await launchAndRestore(ports, request, { located: found, companions, recordings }, seen, phases);
  const spool = found.kind === 'remote' ? await ports.spool(plan.drill_id) : undefined;
  try {
    const located = await phases.run({ name: 'fetch', limitMs: source.limits.fetch }, (signal) =>
      fetchNeeded(ports, request, found, { companions, spool }, seen, signal),
    );
    seen.facts = located.facts;
    return await launchAndRestore(ports, request, { located, companions, recordings }, seen, phases);
  } finally {
    await spool?.remove();
  }
}

interface Needed {
  readonly found: Located | LocatedRemote;
  readonly companions: Companions;
  readonly recordings: Recordings;
}

interface Restored {
  readonly located: Located;
  readonly launched: Launched;
  readonly database: string;
}

/** In memory where it surely fits; if that was a wrong guess, once more on disk. */
async function launchAndRestore(
  ports: DrillPorts,
  request: DrillRequest,
  { located, companions, recordings }: Omit<Needed, 'found'> & { readonly located: Located },
  seen: Seen,
  phases: Phases,
): Promise<Restored> {
  const { limits } = request.source;
  const [first, ...rest] = placesFor(
    request.source,
    located.kind === 'file' && request.archives === undefined ? located.artefact.sizeBytes : undefined,
  );
  for (let place = first; ; ) {
    const launched = await phases.run({ name: 'launch', limitMs: limits.launch }, async (signal) => {
      const up = await launch(ports, request, located, place, companions.mounts(), signal);
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
        (signal) =>
          companions.under(async () => {
            await restoreGlobals(ports, request, located, launched, seen, signal);
            return await restore(ports, request, located, launched, seen, recordings, signal);
          }, signal),
      );
      seen.restored = restored.report;
      seen.facts = restored.facts;
      return {
        located,
        launched,
        database: chooseDatabase(request.source, located, restored.report.databases),
      };
    } catch (error) {
      await destroy(launched, phases);
      const next = rest.shift();
      if (!isMusterError(error, 'scratch_disk_full') || next === undefined) throw error;
      place = next;
    }
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

function destroy(launched: Launched, phases: Phases): Promise<void> {
  return phases.finish('destroy', () => launched.scratch.destroy());
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
