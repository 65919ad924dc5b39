import type { Scratch } from '@muster/scratch';
import type { RepositorySet } from '../../artefact.js';
import type { ControlData } from './control-data.js';
import type { PgbackrestFacts } from './pgbackrest-facts.js';
import type { RecoveryTarget } from './recovery-log.js';
import {
  type Branch,
  followTimeline,
  historyName,
  newestHistory,
  readHistory,
  type Timeline,
} from './timelines.js';
import type { ToolPaths } from './tool-config.js';
import { faultsIn, toolError } from './tool-faults.js';
import { type ArchivedSegment, archiveDirectory, namesIn } from './wal-archive.js';

interface Replaying {
  readonly set: RepositorySet;
  readonly facts: PgbackrestFacts;
  readonly paths: ToolPaths;
  readonly target: RecoveryTarget;
}

/**
 * The timeline that the replay of a set follows, by what its archive says of timelines.
 * @throws `timeline_ambiguous`, `corrupt`, what {@link toolError} says, `scratch_*`.
 */
export async function archiveTimeline(
  scratch: Scratch,
  { set, facts: { pgbackrest }, paths, target }: Replaying,
  { segments, control }: { readonly segments: readonly ArchivedSegment[]; readonly control: ControlData },
  signal: AbortSignal,
): Promise<Timeline<ArchivedSegment>> {
  const names: string[] = [];
  for await (const name of namesIn(archiveDirectory(set.path, set.stanza, pgbackrest.archiveId)))
    if (name.endsWith('.history')) names.push(name);
  const newest = newestHistory(names);
  const history = newest && (await historyOf(scratch, paths, { set, name: historyName(newest) }, signal));
  const { wal, stopLsn } = pgbackrest;
  return followTimeline(
    {
      segments,
      segmentBytes: control.segmentBytes,
      set: { name: set.name, ...(wal && { stop: wal.stop }), ...(stopLsn && { stopLsn }) },
      ...(newest && history && { newest: { timeline: newest, history } }),
    },
    target,
  );
}

/** It may be encrypted, so pgBackRest fetches it. */
async function historyOf(
  scratch: Scratch,
  paths: ToolPaths,
  { set, name }: { readonly set: RepositorySet; readonly name: string },
  signal: AbortSignal,
): Promise<readonly Branch[]> {
  const script = `umask 077; to=$3/$4
out=$(pgbackrest --config="$1" --stanza="$2" --log-level-console=error archive-get "$4" "$to") || { code=$?; printf '%s' "$out"; exit $code; }
cat "$to" && rm -f "$to"`;
  const argv = ['sh', '-c', script, 'sh', paths.config, set.stanza, paths.work, name] as const;
  const { exitCode, stdout } = await scratch.exec({ argv, env: { LC_ALL: 'C' } }, signal);
  if (exitCode !== 0) throw toolError(faultsIn(stdout), exitCode, `the fetch of ${name}`, stdout);
  return readHistory(stdout, name);
}
