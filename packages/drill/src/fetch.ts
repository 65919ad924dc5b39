import { MusterError, type Source } from '@muster/core';
import type { Companions } from './companions.js';
import type { DrillPorts, DrillRequest, Spool } from './drill-ports.js';
import { identified, type Located, type LocatedFile, type LocatedRemote } from './locate.js';
import { recoverTo } from './restore.js';
import type { Seen } from './seen.js';

/**
 * The phase `fetch`: what must be on this machine before the scratch is launched, backup and companions at once. Where one
 * of them fails the other is stopped, and has ended when this rejects. `spool`: for a backup that is elsewhere.
 */
export async function fetchNeeded(
  ports: DrillPorts,
  request: DrillRequest,
  found: Located | LocatedRemote,
  { companions, spool }: { readonly companions: Companions; readonly spool: Spool | undefined },
  seen: Pick<Seen, 'found' | 'newest' | 'globals'>,
  signal: AbortSignal,
): Promise<Located> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let failure: { readonly error: unknown } | undefined;
  const orStop = async <T>(work: Promise<T>): Promise<T | undefined> =>
    await work.catch((error: unknown) => {
      failure ??= { error };
      stop.abort(error);
      return undefined;
    });
  const told = { backup: 0, companions: 0 };
  const tell = (part: keyof typeof told) => (bytes: number, totalBytes?: number) => {
    told[part] = bytes;
    // What companions there are is known once they are looked at.
    const isTotal = totalBytes !== undefined && request.source.companions.length === 0;
    const all = { bytes: told.backup + told.companions, ...(isTotal && { totalBytes }) };
    ports.observe({ type: 'progress', phase: 'fetch', what: 'fetch', ...all });
  };
  const [located] = await Promise.all([
    orStop(
      found.kind === 'remote' && spool !== undefined
        ? fetchBackup(ports, request, found, spool, seen, tell('backup'), both)
        : Promise.resolve(found),
    ),
    orStop(companions.fetch(tell('companions'), both)),
  ]);
  signal.throwIfAborted();
  if (failure !== undefined) throw failure.error;
  if (located === undefined || located.kind === 'remote')
    throw new MusterError('internal_error', 'A backup that is elsewhere was not fetched.');
  return located;
}

/** A backup of several files that are elsewhere comes onto this machine, no larger than its scratch. */
async function fetchBackup(
  ports: DrillPorts,
  request: DrillRequest,
  { artefact: remote, backup }: LocatedRemote,
  spool: Spool,
  seen: Pick<Seen, 'found' | 'newest' | 'globals'>,
  onBytes: (bytes: number, totalBytes: number) => void,
  signal: AbortSignal,
): Promise<LocatedFile> {
  requireFetchable(request.source, remote);
  const options = {
    mostBytes: request.source.scratch.diskBytes,
    recoverTo: recoverTo(request),
    onBytes,
  };
  const artefact = await remote.fetch(spool.path, options, signal);
  return identified(ports, request, backup, artefact, seen, signal);
}

/** What is fetched may be no larger than the scratch. @throws `scratch_disk_full` */
export function requireFetchable({ slug, scratch }: Source, { sizeBytes }: LocatedRemote['artefact']): void {
  if (sizeBytes <= scratch.diskBytes) return;
  throw new MusterError(
    'scratch_disk_full',
    `The backup has ${sizeBytes} bytes and must be fetched, and the scratch may have ${scratch.diskBytes}: raise scratch.disk of the source "${slug}".`,
  );
}
