import { isMusterError, MusterError } from '@muster/core';
import { chooseDatabase } from './choose-database.js';
import type { Companions } from './companions.js';
import type { DrillPorts, DrillRequest } from './drill-ports.js';
import { launchedEvent, locatedEvent } from './events.js';
import { fetchNeeded } from './fetch.js';
import { destroy, type Launched, launch } from './launch.js';
import type { Located, LocatedRemote } from './locate.js';
import type { Phases } from './phases.js';
import { placesFor } from './place.js';
import type { Recordings } from './recordings.js';
import { restore } from './restore.js';
import { restoreGlobals } from './restore-globals.js';
import type { Seen } from './seen.js';

/** A point whose place in WAL is not known may lie before the newest backup: then it is looked for behind older ones. */
export async function restoreReaching(
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

/** Before a backup is restored. */
export interface Needed {
  readonly found: Located | LocatedRemote;
  readonly companions: Companions;
  readonly recordings: Recordings;
}

/** What the checks are asked of. */
export interface Restored {
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
