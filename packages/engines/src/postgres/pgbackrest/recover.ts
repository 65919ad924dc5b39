import { isMusterError, keepsTarget, MusterError, type RecoveryRecord } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import type { RepositorySet } from '../../artefact.js';
import type { RestoreOptions } from '../../engine.js';
import type { Installation } from '../probe.js';
import { ServerLog } from '../server/server-log.js';
import { type RunningServer, runServer, type ServerStart, settingsIn } from '../server/start.js';
import { archiveTimeline } from './archive-timeline.js';
import { type ControlData, readControlData } from './control-data.js';
import type { PgbackrestFacts } from './pgbackrest-facts.js';
import { preloadLibraries } from './preload-libraries.js';
import { gap, notReached, recoveryError, unloadable } from './recovery-faults.js';
import {
  isPoint,
  noteFetched,
  noteRecovery,
  type RecoverySeen,
  type RecoveryTarget,
  recoveryRecord,
} from './recovery-log.js';
import { recoverySettings, restoreCommand } from './recovery-settings.js';
import { hasSuperuser, makeSuperuser, stopServer } from './superuser.js';
import type { ToolPaths } from './tool-config.js';
import {
  type ArchivedSegment,
  followWal,
  isStillArchived,
  listWal,
  otherThanNamed,
  positionOf,
  type WalFound,
} from './wal-archive.js';

/**
 * Nothing of the backup's own configuration is read. $1 bindir, $2 data directory, $3 what pg_hba.conf says; what follows
 * are arguments of the server.
 */
const SCRIPT = `
set -eu
bin=$1 data=$2 hba=$3
shift 3
umask 077
rm -f "$data/standby.signal" "$data/recovery.conf" "$data/postmaster.pid"
: > "$data/postgresql.conf"
: > "$data/postgresql.auto.conf"
: > "$data/pg_ident.conf"
: > "$data/recovery.signal"
printf '%s' "$hba" > "$data/pg_hba.conf"
exec "$bin/postgres" -D "$data" "$@"
`;

/** It is recovered, and only has to be started; arguments as of {@link SCRIPT}. */
const AGAIN = `
bin=$1 data=$2
shift 3
rm -f "$data/postmaster.pid"
exec "$bin/postgres" -D "$data" "$@"
`;

export interface Recovering {
  readonly set: RepositorySet;
  readonly facts: PgbackrestFacts;
  readonly installation: Installation;
  readonly paths: ToolPaths;
  readonly cpus: number;
  readonly target: RecoveryTarget;
}

export interface Recovered {
  readonly server: RunningServer;
  readonly recovery: RecoveryRecord;
  /** Libraries that the cluster's configuration preloads, and the scratch has not. */
  readonly missingLibraries: readonly string[];
}

/**
 * Starts the server over the restored files, which replays WAL from the repository up to the target and is then promoted.
 * @throws `wal_gap`, `target_not_reached`, `corrupt`, what {@link recoveryError} says, `scratch_*`.
 */
export async function recover(
  scratch: Scratch,
  recovering: Recovering,
  options: Pick<RestoreOptions, 'onProgress' | 'onOutput'>,
  signal: AbortSignal,
): Promise<Recovered> {
  const { set, facts, installation, paths, cpus, target } = recovering;
  const control = await controlData(scratch, installation, paths, signal);
  const segments = await listWal(set.path, set.stanza, facts.pgbackrest.archiveId);
  const line = await archiveTimeline(scratch, recovering, { segments, control }, signal);
  const wal = await requireWal(recovering, control, line.segments);
  const preload = await preloadLibraries(scratch, installation, paths.data, signal);
  const settings = recoverySettings(settingsIn(scratch, installation, cpus), {
    major: installation.major,
    control,
    restoreCommand: restoreCommand(paths.config, set.stanza),
    target,
    timeline: line.setting,
    preload: preload.kept,
  });
  const log = new ServerLog();
  const seen: RecoverySeen = { segments: [], sums: [] };
  let printed = '';
  const unlisten = log.listen({
    onText: (text) => {
      printed = (printed + text).slice(-MOST_KEPT);
      options.onOutput(text);
    },
    onOther: (line) => noteFetched(seen, line),
    onLog: (message, pid) => {
      const before = seen.segments.length;
      noteRecovery(seen, message, pid);
      if (seen.segments.length === before) return;
      const bytes = set.sizeBytes + seen.segments.length * control.segmentBytes;
      const total =
        wal === undefined || isPoint(target) ? undefined : set.sizeBytes + wal.count * control.segmentBytes;
      options.onProgress({ bytes, ...(total !== undefined && { totalBytes: Math.max(total, bytes) }) });
    },
  });
  try {
    const server = await startRecovered(scratch, recovering, { settings, log }, options, signal);
    const recovery = recoveryRecord(target, seen, line.timeline);
    await requireSound(set, facts, seen);
    requireEnd(set, target, seen, wal, control);
    const hasStopped = !isPoint(target) || seen.stopped !== undefined;
    if (!hasStopped || !keepsTarget(recovery)) throw notReached(set, target, seen, line);
    // The passphrase may be in it, and from now on anything in the backup may run.
    await scratch.exec({ argv: ['rm', '-f', paths.config] }, signal);
    return { server, recovery, missingLibraries: preload.missing };
  } catch (error) {
    if (!isMusterError(error, 'launch_failed')) throw error;
    await requireSound(set, facts, seen);
    if (seen.startup === undefined && preload.kept.length > 0) throw unloadable(preload.kept, printed);
    throw recoveryError({ set, target, line }, seen, wal, log, printed) ?? error;
  } finally {
    unlisten();
  }
}

const MOST_KEPT = 64 * 1024;

/** Recovers, and starts once more where the cluster's superuser had to be made first. */
async function startRecovered(
  scratch: Scratch,
  { installation, paths }: Recovering,
  start: Omit<ServerStart, 'script'>,
  { onOutput }: Pick<RestoreOptions, 'onOutput'>,
  signal: AbortSignal,
): Promise<RunningServer> {
  const cluster = { scratch, installation, paths, onOutput };
  let isMissing = false;
  const beforeExposed = async () => {
    isMissing = !(await hasSuperuser(cluster, signal));
    if (isMissing) await stopServer(cluster, signal);
  };
  try {
    return await runServer(scratch, installation, { ...start, script: SCRIPT, beforeExposed }, signal);
  } catch (error) {
    if (!isMissing) throw error;
    await makeSuperuser(cluster, signal);
    const log = new ServerLog();
    return await runServer(scratch, installation, { ...start, log, script: AGAIN }, signal);
  }
}

async function controlData(
  scratch: Scratch,
  { bindir }: Installation,
  { data }: ToolPaths,
  signal: AbortSignal,
): Promise<ControlData> {
  const argv = [`${bindir}/pg_controldata`, data] as const;
  const { stdout } = await scratch.exec({ argv, env: { LC_ALL: 'C' } }, signal);
  return readControlData(stdout);
}

/** Before anything is replayed: a server would take a missing segment for the end of the archive, and say nothing. */
async function requireWal(
  { set, facts, target }: Recovering,
  { segmentBytes }: ControlData,
  segments: readonly ArchivedSegment[],
): Promise<WalFound | undefined> {
  const { wal } = facts.pgbackrest;
  if (wal === undefined) return undefined;
  const until = target.kind === 'immediate' ? 'stop' : 'end';
  const found = followWal(segments, { ...wal, until, segmentBytes });
  const isNeeded = found.missing !== undefined && (!isPoint(target) || found.missing <= wal.stop);
  if (!isNeeded) return found;
  if (found.missing !== undefined && (await isStillArchived(segments, found.missing, new Date()))) {
    throw new MusterError(
      'backup_unfinished',
      `The WAL segment ${found.missing} is not in the archive of the stanza "${set.stanza}" yet, and those after it came just now: drill again when it has been archived.`,
    );
  }
  throw gap(set, found.missing);
}

/**
 * A replay takes damage in a segment for the end of WAL. pgBackRest has put the SHA-1 of what it archived into the name, and
 * the server checks each record, where it was damaged before.
 */
async function requireSound(
  set: RepositorySet,
  { pgbackrest: { archiveId } }: PgbackrestFacts,
  { sums, damaged }: RecoverySeen,
): Promise<void> {
  const name = otherThanNamed(await listWal(set.path, set.stanza, archiveId), sums) ?? damaged;
  if (name === undefined) return;
  throw new MusterError(
    'corrupt',
    `The WAL segment ${name}, which the replay of the backup set ${set.name} needs, is damaged. Look into the repository with \`pgbackrest verify\`, and take a new full backup.`,
  );
}

/** A replay that ended in the middle met WAL that it could not read. */
function requireEnd(
  set: RepositorySet,
  target: RecoveryTarget,
  { segments }: RecoverySeen,
  wal: WalFound | undefined,
  { segmentBytes }: ControlData,
): void {
  if (target.kind !== 'latest' || wal === undefined) return;
  const positions = segments.map((name) => positionOf(name, segmentBytes) ?? 0);
  if (positions.some((position) => position >= wal.last)) return;
  const last = segments.toSorted().at(-1) ?? 'none';
  throw new MusterError(
    'corrupt',
    `The replay of the backup set ${set.name} ended in the WAL segment ${last}, and there is WAL after it: that segment is damaged. Take a new full backup.`,
  );
}
