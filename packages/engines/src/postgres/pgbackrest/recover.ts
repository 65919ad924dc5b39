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
import { notShown, type Timeline } from './timelines.js';
import type { ToolPaths } from './tool-config.js';
import { faultsIn, toolError } from './tool-faults.js';
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
 * @throws `wal_gap`, `target_not_reached`, `corrupt`, what {@link toolError} says, `scratch_*`.
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

const gap = (set: RepositorySet, missing: string | undefined): MusterError =>
  new MusterError(
    'wal_gap',
    `The WAL segment ${missing} is not in the archive of the stanza "${set.stanza}", and there is WAL after it that the backup set ${set.name} would need: nothing after it can be recovered. Take a new full backup, and find out why it was not archived.`,
  );

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

function notReached(
  set: RepositorySet,
  target: RecoveryTarget,
  { lastCommit }: RecoverySeen,
  { mustShowAfter }: Timeline,
): MusterError {
  if (mustShowAfter && target.kind === 'time') return notShown(set.name, target.at);
  const last = lastCommit === undefined ? '' : ` The last commit in it was at ${lastCommit}.`;
  const advice =
    target.kind === 'time' || target.kind === 'lsn'
      ? `Ask for an earlier ${target.kind === 'time' ? 'time' : 'location'}, or see whether WAL is still being archived.`
      : 'It may be of before that set, or its WAL is not archived.';
  return new MusterError(
    'target_not_reached',
    `The WAL after the backup set ${set.name} does not reach ${aim(target)}.${last} ${advice}`,
  );
}

function aim(target: RecoveryTarget): string {
  switch (target.kind) {
    case 'time':
      return target.at.toISOString();
    case 'xid':
      return `the end of transaction ${target.xid}`;
    case 'name':
      return `a restore point ${JSON.stringify(target.name)}`;
    case 'lsn':
      return `the WAL location ${target.lsn}`;
    default:
      return 'its target';
  }
}

/** It ended before it looked at the files of the backup. */
const unloadable = (libraries: readonly string[], output: string): MusterError =>
  new MusterError(
    'extension_missing',
    `The server did not start with what the configuration in the backup preloads (${libraries.join(', ')}). Name an image with \`image:\` that has these libraries in the versions of the primary.`,
    { output },
  );

/** What it means that the server did not come up; undefined where its log does not tell. */
function recoveryError(
  { set, target, line }: Pick<Recovering, 'set' | 'target'> & { readonly line: Timeline },
  seen: RecoverySeen,
  wal: WalFound | undefined,
  log: ServerLog,
  printed: string,
): MusterError | undefined {
  const faults = seen.over ? [] : faultsIn(printed);
  if (faults.length > 0) {
    const after = seen.segments.at(-1);
    const what = `the fetch of the WAL segment after ${after ?? 'the start of the backup'}`;
    return toolError(faults, 126, what, printed);
  }
  // Once it is over, others than the process that recovered may say anything.
  const errors = log
    .takeErrors()
    .filter(({ severity, pid }) => severity !== 'ERROR' && (!seen.over || pid === seen.startup));
  const said = errors.map(({ message }) => message).join('\n');
  if (said.includes('recovery ended before configured recovery target was reached'))
    return wal?.missing === undefined ? notReached(set, target, seen, line) : gap(set, wal.missing);
  if (said.includes('requested recovery stop point is before consistent recovery point')) {
    return new MusterError(
      'target_not_reached',
      `The backup set ${set.name} was not whole yet at ${aim(target)}. Ask for a later point, or for one after an older set.`,
    );
  }
  if (/WAL ends before|could not locate (?:required|a valid) checkpoint record/.test(said)) {
    return new MusterError(
      'wal_gap',
      `The WAL that the backup set ${set.name} needs to be whole ends after ${seen.segments.at(-1) ?? 'nothing'}. Take a new full backup, and find out why it was not archived.`,
      { output: printed },
    );
  }
  const refused = errors.map(({ sqlstate }) => REFUSALS[sqlstate]).find((reason) => reason !== undefined);
  if (refused !== undefined)
    return new MusterError(refused, 'The recovered server ran out of it: give the scratch more.', {
      output: printed,
    });
  const [first] = errors;
  return (
    first &&
    new MusterError(
      'restore_failed',
      `The server did not come up over the restored backup set ${set.name} (SQLSTATE ${first.sqlstate}). The worker's diagnosis file has its own words.`,
      { output: printed },
    )
  );
}

/** SQLSTATEs that say what a scratch ran out of. */
const REFUSALS: Readonly<Record<string, 'scratch_disk_full' | 'scratch_out_of_memory'>> = {
  '53100': 'scratch_disk_full',
  '53200': 'scratch_out_of_memory',
};
