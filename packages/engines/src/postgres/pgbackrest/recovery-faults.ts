import { MusterError } from '@muster/core';
import type { RepositorySet } from '../../artefact.js';
import { RAN_OUT } from '../server/ran-out.js';
import type { ServerLog } from '../server/server-log.js';
import type { RecoverySeen, RecoveryTarget } from './recovery-log.js';
import { notShown, type Timeline } from './timelines.js';
import { faultsIn, toolError } from './tool-faults.js';
import type { WalFound } from './wal-archive.js';

/** What is recovered, up to where, and along which timeline. */
export interface RecoveryAim {
  readonly set: RepositorySet;
  readonly target: RecoveryTarget;
  readonly line: Timeline;
}

/** WAL that a replay needs is not there. */
export const gap = (set: RepositorySet, missing: string | undefined): MusterError =>
  new MusterError(
    'wal_gap',
    `The WAL segment ${missing} is not in the archive of the stanza "${set.stanza}", and there is WAL after it that the backup set ${set.name} would need: nothing after it can be recovered. Take a new full backup, and find out why it was not archived.`,
  );

/** A replay that came to its end before its target. */
export function notReached(
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
export const unloadable = (libraries: readonly string[], output: string): MusterError =>
  new MusterError(
    'extension_missing',
    `The server did not start with what the configuration in the backup preloads (${libraries.join(', ')}). Name an image with \`image:\` that has these libraries in the versions of the primary.`,
    { output },
  );

/** What it means that the server did not come up; undefined where its log does not tell. */
export function recoveryError(
  { set, target, line }: RecoveryAim,
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
  const refused = errors.map(({ sqlstate }) => RAN_OUT[sqlstate]).find((reason) => reason !== undefined);
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
