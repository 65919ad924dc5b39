import { selectBackup } from '@muster/backups';
import { MusterError } from '@muster/core';
import type { Artefact, BackupFacts, LiveFacts } from '@muster/engines';
import type { DrillPorts, DrillRequest } from './drill-ports.js';
import type { Seen } from './seen.js';

/** Which bytes a drill is about. */
export type Located = LocatedFile | LocatedLive;

export interface LocatedFile {
  readonly kind: 'file';
  readonly id: string;
  readonly artefact: Exclude<Artefact, { form: 'stream' }>;
  readonly facts: BackupFacts;
  readonly location: string;
  readonly createdAt: Date;
  readonly createdAtFrom: 'header' | 'name' | 'mtime' | 'dump';
}

/** A live dump: it is taken while it is restored. */
interface LocatedLive {
  readonly kind: 'live';
  readonly id: string;
  readonly uri: string;
  readonly live: LiveFacts;
  readonly facts: BackupFacts;
  readonly location: string;
  readonly createdAt: Date;
  readonly createdAtFrom: 'dump';
}

/**
 * The phase `locate`: which backup, and what its head says.
 * Notes which backup was chosen before its head is read: a receipt names also what is no dump.
 */
export async function locate(
  ports: DrillPorts,
  request: DrillRequest,
  seen: Pick<Seen, 'found' | 'listed' | 'newest' | 'listing'>,
  signal: AbortSignal,
): Promise<Located> {
  const { backup } = request.source;
  return backup.type === 'live'
    ? await locateLive(ports, request, seen, signal)
    : await locateFile(ports, request, backup, seen, signal);
}

async function locateFile(
  ports: DrillPorts,
  request: DrillRequest,
  backup: { readonly directory: string; readonly match?: string },
  seen: Pick<Seen, 'found' | 'listed' | 'newest' | 'listing'>,
  signal: AbortSignal,
): Promise<LocatedFile> {
  const { kind } = request.source;
  const repository = ports.repository(kind, backup.directory, backup.match);
  const { drill_id: drillId } = request.plan;
  const backups = await repository.list(signal);
  seen.listed = backups.length;
  const asking = { drillId, location: repository.location };
  const { backup: chosen, newest, listing } = selectBackup(backups, request.restorePoint, asking);
  seen.newest = newest;
  if (listing !== undefined) seen.listing = listing;
  const { artefact } = chosen;
  if (artefact.form === 'stream')
    throw new MusterError('internal_error', 'A directory listed a backup without a path.');
  const located = {
    id: chosen.id,
    location: `${repository.location}/${encodeURIComponent(chosen.id)}`,
    createdAt: chosen.createdAt,
    createdAtFrom: chosen.createdAtFrom,
  };
  seen.found = { ...located, sizeBytes: artefact.sizeBytes };
  const facts = chosen.facts ?? (await ports.engineOf(kind).identify(artefact, signal));
  return { kind: 'file', ...located, artefact, facts };
}

async function locateLive(
  ports: DrillPorts,
  request: DrillRequest,
  seen: Pick<Seen, 'found'>,
  signal: AbortSignal,
): Promise<LocatedLive> {
  const { connection, kind, slug } = request.source;
  if (connection === undefined)
    throw new MusterError('internal_error', `The source "${slug}" has neither backup nor connection.`);
  if (request.restorePoint.kind !== 'latest') {
    throw new MusterError(
      'no_backup',
      `The source "${slug}" is dumped live: it keeps no older backups to choose from.`,
    );
  }
  const uri = await ports.resolveSecret(connection.uri);
  const live = await ports.liveDumperOf(kind).survey(uri, signal);
  const createdAt = ports.now();
  const stamp = createdAt.toISOString().replace(/[-:]|\.\d+/g, '');
  const located = {
    id: `${live.database ?? slug}_${stamp}`,
    location: `live:${slug}`,
    createdAt,
    createdAtFrom: 'dump' as const,
  };
  seen.found = located;
  const facts: BackupFacts = {
    format: live.format,
    major: live.major,
    serverVersion: live.serverVersion,
    databases: live.database === undefined ? [] : [live.database],
  };
  return { kind: 'live', ...located, uri, live, facts };
}
