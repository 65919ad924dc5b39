import { MusterError, type Source } from '@muster/core';
import type { DrillPorts, DrillRequest, Spool } from './drill-ports.js';
import { identified, type LocatedFile, type LocatedRemote } from './locate.js';
import type { Seen } from './seen.js';

/** The phase `fetch`: a dump of several files that are elsewhere comes onto this machine, no larger than its scratch. */
export async function fetchBackup(
  ports: DrillPorts,
  request: DrillRequest,
  { artefact: remote, backup }: LocatedRemote,
  spool: Spool,
  seen: Pick<Seen, 'found' | 'newest'>,
  signal: AbortSignal,
): Promise<LocatedFile> {
  requireFetchable(request.source, remote);
  const totalBytes = remote.sizeBytes;
  const onBytes = (bytes: number) =>
    ports.observe({ type: 'progress', phase: 'fetch', what: 'fetch', bytes, totalBytes });
  const artefact = await remote.fetch(spool.path, onBytes, signal);
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
