import { type Backup, type RemoteBackup, requirePast, selectBackup, withFacts } from '@muster/backups';
import { type DumpConfig, MusterError, type PgbackrestConfig } from '@muster/core';
import type { Artefact, BackupFacts, LiveFacts } from '@muster/engines';
import type { DrillRequest, LookPorts } from './drill-ports.js';
import type { Seen } from './seen.js';

/** Which bytes a drill is about. */
export type Located = LocatedFile | LocatedLive;

export interface LocatedFile
  extends Pick<Backup, 'id' | 'location' | 'createdAt' | 'createdAtFrom' | 'globals' | 'record'> {
  readonly kind: 'file';
  readonly artefact: Exclude<Artefact, { form: 'stream' }>;
  readonly facts: BackupFacts;
  /** Where the restore point may lie if not behind this one, newest first. */
  readonly older?: readonly (LocatedFile | LocatedRemote)[];
}

/** A backup that has yet to be fetched, and is identified then at the latest. */
export interface LocatedRemote {
  readonly kind: 'remote';
  readonly backup: Backup;
  readonly artefact: RemoteBackup;
  readonly older?: readonly (LocatedFile | LocatedRemote)[];
}

/** A live dump: it is taken while it is restored. */
interface LocatedLive {
  readonly kind: 'live';
  readonly id: string;
  readonly uri: string;
  /** What the checks ask where they name no database. */
  readonly live: LiveFacts;
  /** Further databases of the same cluster, which checks name. */
  readonly others: readonly LiveFacts[];
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
  ports: LookPorts,
  request: DrillRequest,
  seen: Pick<Seen, 'found' | 'listed' | 'newest' | 'listing' | 'globals'>,
  signal: AbortSignal,
): Promise<Located | LocatedRemote> {
  const { backup } = request.source;
  return backup.type === 'live'
    ? await locateLive(ports, request, seen, signal)
    : await locateFile(ports, request, backup, seen, signal);
}

async function locateFile(
  ports: LookPorts,
  request: DrillRequest,
  backup: DumpConfig | PgbackrestConfig,
  seen: Pick<Seen, 'found' | 'listed' | 'newest' | 'listing' | 'globals'>,
  signal: AbortSignal,
): Promise<LocatedFile | LocatedRemote> {
  const { kind } = request.source;
  const repository = ports.repository(kind, backup);
  const { drill_id: drillId } = request.plan;
  const backups = await repository.list(signal);
  seen.listed = backups.length;
  const asking = { drillId, location: repository.location, now: ports.now() };
  const { backup: chosen, newest, listing, older } = selectBackup(backups, request.restorePoint, asking);
  seen.newest = newest;
  if (listing !== undefined) seen.listing = listing;
  const { artefact } = chosen;
  if (artefact.form === 'stream')
    throw new MusterError('internal_error', 'A place of backups listed a live dump.');
  seen.found = { ...placed(chosen), sizeBytes: artefact.sizeBytes };
  const located =
    artefact.form === 'remote'
      ? ({ kind: 'remote', backup: chosen, artefact } as const)
      : await identified(ports, request, chosen, artefact, seen, signal);
  return older === undefined ? located : { ...located, older: older.flatMap(known) };
}

/** Backups that are recovered from WAL have been identified by their repository. */
function known(backup: Backup): readonly (LocatedFile | LocatedRemote)[] {
  const { artefact, facts } = backup;
  if (facts === undefined) return [];
  if (artefact.form === 'remote') return [{ kind: 'remote', backup, artefact }];
  return artefact.form === 'repository' ? [{ kind: 'file', ...placed(backup), artefact, facts }] : [];
}

/** What its head says, where the listing has not looked at it. */
export async function identified(
  ports: LookPorts,
  { source }: DrillRequest,
  backup: Backup,
  artefact: LocatedFile['artefact'],
  seen: Pick<Seen, 'found' | 'newest' | 'globals'>,
  signal: AbortSignal,
): Promise<LocatedFile> {
  const facts = backup.facts ?? (await ports.engineOf(source.kind).identify(artefact, signal));
  const known = withFacts(backup, facts);
  requirePast(known, ports.now());
  if (seen.newest?.id === backup.id) seen.newest = known;
  seen.found = { ...placed(known), sizeBytes: artefact.sizeBytes };
  const { globals, record } = known;
  if (globals !== undefined) seen.globals = { id: globals.artefact.name, location: globals.location };
  const beside = { ...(globals && { globals }), ...(record && { record }) };
  return { kind: 'file', ...placed(known), artefact, facts, ...beside };
}

const placed = ({ id, location, createdAt, createdAtFrom }: Backup) => ({
  id,
  location,
  createdAt,
  createdAtFrom,
});

async function locateLive(
  ports: LookPorts,
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
  const { survey } = ports.liveDumperOf(kind);
  const live = await survey(uri, signal, kind === 'postgres' ? request.source.database : undefined);
  const others: LiveFacts[] = [];
  for (const database of otherDatabases(request, live)) others.push(await survey(uri, signal, database));
  const createdAt = ports.now();
  const stamp = createdAt.toISOString().replace(/[-:]|\.\d+/g, '');
  const located = {
    id: `${others.length > 0 ? slug : (live.database ?? slug)}_${stamp}`,
    location: `live:${slug}`,
    createdAt,
    createdAtFrom: 'dump' as const,
  };
  seen.found = located;
  const facts: BackupFacts = {
    format: live.format,
    major: live.major,
    serverVersion: live.serverVersion,
    databases: [live, ...others].flatMap(({ database }) => database ?? []),
  };
  return { kind: 'live', ...located, uri, live, others, facts };
}

/** A check of PostgreSQL may name a database of its own; MongoDB is dumped whole where the URI names none. */
function otherDatabases({ source }: DrillRequest, { database: first }: LiveFacts): ReadonlySet<string> {
  if (source.kind !== 'postgres') return new Set();
  const named = source.checks.flatMap(({ database }) => database ?? []);
  return new Set(named.filter((database) => database !== first));
}
