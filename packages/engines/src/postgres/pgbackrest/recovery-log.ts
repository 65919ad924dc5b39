import { proofOf, type RecoveryRecord, type WalPoint, walWord } from '@muster/core';

type Stopped = NonNullable<RecoveryRecord['stopped']>;

/** What the server's own log tells of a recovery, gathered line by line. */
export interface RecoverySeen {
  /** WAL segments that were fetched from the archive, in the order of their fetching. */
  readonly segments: string[];
  /** The process that recovers, once it has begun: it ends before anything in the backup can run, and write as well. */
  startup?: number;
  /** The recovery is over: nothing that is said from then on is evidence of it. */
  over?: true;
  /** What was fetched and is damaged, by the server's own check of a record. */
  damaged?: string;
  /** The SHA-1 of what was fetched, as it was told. */
  readonly sums: { readonly name: string; readonly sha1: string }[];
  /** What the replay stopped before, or after. */
  stopped?: Stopped;
  lastCommit?: string;
}

const RESTORED = /^restored log file "([0-9A-F]{24})" from archive$/;
const DAMAGED = /^incorrect resource manager data checksum in record at /;
const OVER = 'archive recovery complete';
const BEGUN = /^(?:database system was |starting (?:archive|backup|point-in-time) recovery)/;
const TRANSACTION = /^recovery stopping (before|after) (commit|abort) of transaction (\d+), time (.+)$/;
const NAMED = /^recovery stopping at restore point "(.+)", time (.+)$/;
const LOCATION = /^recovery stopping (before|after) WAL location \(LSN\) "([0-9A-F]+\/[0-9A-F]+)"$/;
const LAST = /^last completed transaction was at log time (.+)$/;

/** Takes in one message of the log, of the process `pid`. The server is told to speak English and UTC. */
export function noteRecovery(seen: RecoverySeen, message: string, pid: number): void {
  if (seen.over) return;
  if (BEGUN.test(message)) seen.startup ??= pid;
  if (pid !== seen.startup) return;
  if (message === OVER) seen.over = true;
  const segment = RESTORED.exec(message)?.[1];
  if (segment !== undefined) seen.segments.push(segment);
  // Archived segments are whole: after their last record there are zeros, which the server words otherwise.
  const last = seen.segments.at(-1);
  if (DAMAGED.test(message) && last !== undefined) seen.damaged ??= last;
  const stopped = stoppedIn(message);
  if (stopped !== undefined) seen.stopped = stopped;
  const lastTime = commitTime(LAST.exec(message)?.[1] ?? '');
  if (lastTime) seen.lastCommit = lastTime;
}

/** How the line begins that tells the SHA-1 of what was fetched, after its name. */
export const FETCHED = 'muster fetched';
const SUM = new RegExp(`^${FETCHED} ([0-9A-F]{24}) ([0-9a-f]{40})(?: |$)`);

/** Takes in a line of what fetches WAL. */
export function noteFetched(seen: RecoverySeen, line: string): void {
  const [, name, sha1] = SUM.exec(line) ?? [];
  if (!seen.over && name !== undefined && sha1 !== undefined) seen.sums.push({ name, sha1 });
}

function stoppedIn(message: string): Stopped | undefined {
  const [, side, how, xid, ended] = TRANSACTION.exec(message) ?? [];
  if (how === 'commit' || how === 'abort') {
    const at = ended && commitTime(ended);
    return { side: sideOf(side), end: how, ...(xid && { xid }), ...(at && { at }) };
  }
  const [, name, made] = NAMED.exec(message) ?? [];
  if (name !== undefined) {
    const at = made && commitTime(made);
    return { side: 'after', name, ...(at && { at }) };
  }
  const [, where, lsn] = LOCATION.exec(message) ?? [];
  return lsn === undefined ? undefined : { side: sideOf(where), lsn };
}

const sideOf = (word: string | undefined): Stopped['side'] => (word === 'before' ? 'before' : 'after');

/** `2026-11-21 13:19:02.396372+00` as RFC 3339 with microseconds. */
function commitTime(text: string): string | undefined {
  const [, day, second, fraction = ''] =
    /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/.exec(text) ?? [];
  return day && second && `${day}T${second}.${fraction.padEnd(6, '0')}Z`;
}

/** A point up to which WAL is replayed. */
export type RecoveryTarget =
  /** All that there is. */
  | { readonly kind: 'latest' }
  /** Just what makes the backup whole. */
  | { readonly kind: 'immediate' }
  /** What was committed at or before this time. */
  | { readonly kind: 'time'; readonly at: Date }
  | WalPoint;

/** Whether the target is one that a replay stops at, and not just the end of what there is. */
export const isPoint = (target: RecoveryTarget): boolean =>
  target.kind !== 'latest' && target.kind !== 'immediate';

/** What was seen, as a receipt says it: what was the last that was replayed, and where the replay stopped. */
export function recoveryRecord(
  target: RecoveryTarget,
  { stopped, lastCommit }: RecoverySeen,
  timeline?: number,
): RecoveryRecord {
  const isCommit = stopped?.side === 'before' && stopped.end === 'commit';
  const seen = {
    target: targetRecord(target),
    reached: true,
    ...(timeline !== undefined && { timeline }),
    ...(lastCommit !== undefined && { last_commit_before: lastCommit }),
    ...(target.kind === 'time' && isCommit && { first_commit_after: stopped.at }),
    ...(target.kind !== 'time' && stopped !== undefined && { stopped }),
  } as const;
  return { ...seen, proof: proofOf(seen) };
}

function targetRecord(target: RecoveryTarget): RecoveryRecord['target'] {
  switch (target.kind) {
    case 'latest':
    case 'immediate':
      return { kind: target.kind };
    case 'time':
      return { kind: 'time', value: target.at.toISOString() };
    default:
      return { kind: target.kind, value: walWord(target) };
  }
}
