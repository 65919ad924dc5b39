import type { RecoveryRecord } from '@muster/core';

/** What the server's own log tells of a recovery, gathered line by line. */
export interface RecoverySeen {
  /** WAL segments that were fetched from the archive, in the order of their fetching. */
  readonly segments: string[];
  /** The commit before which, or after which, the replay stopped. */
  stopped?: { readonly side: 'before' | 'after'; readonly what: 'commit' | 'abort'; readonly time: string };
  lastCommit?: string;
}

const RESTORED = /^restored log file "([0-9A-F]{24})" from archive$/;
const STOPPED = /^recovery stopping (before|after) (commit|abort) of transaction \d+, time (.+)$/;
const LAST = /^last completed transaction was at log time (.+)$/;

/** Takes in one message of the log. The server is told to speak English and UTC. */
export function noteRecovery(seen: RecoverySeen, message: string): void {
  const segment = RESTORED.exec(message)?.[1];
  if (segment !== undefined) seen.segments.push(segment);
  const [, side, what, stopTime] = STOPPED.exec(message) ?? [];
  const stopped = stopTime && commitTime(stopTime);
  if (stopped && (side === 'before' || side === 'after') && (what === 'commit' || what === 'abort'))
    seen.stopped = { side, what, time: stopped };
  const last = LAST.exec(message)?.[1];
  const lastTime = last && commitTime(last);
  if (lastTime) seen.lastCommit = lastTime;
}

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
  | { readonly kind: 'time'; readonly at: Date };

/**
 * What was seen, as a receipt says it: which commit was the last that was replayed, and before which the replay stopped.
 * A commit on either side of a time proves it; of a replay to the end there is none after it.
 */
export function recoveryRecord(
  target: RecoveryTarget,
  { stopped, lastCommit }: RecoverySeen,
): RecoveryRecord {
  const after = stopped?.side === 'before' && stopped.what === 'commit' ? stopped.time : undefined;
  const known = [lastCommit, after].filter((time) => time !== undefined).length;
  return {
    target: target.kind === 'time' ? { kind: 'time', value: target.at.toISOString() } : { kind: target.kind },
    reached: true,
    ...(lastCommit !== undefined && { last_commit_before: lastCommit }),
    ...(after !== undefined && { first_commit_after: after }),
    proof: known === 2 ? 'both_sides' : known === 1 ? 'one_side' : 'unasserted',
  };
}

/** Whether what was replayed lies on the right sides of the target, as far as it is known. */
export function keepsTarget(
  target: RecoveryTarget,
  { last_commit_before, first_commit_after }: RecoveryRecord,
): boolean {
  if (target.kind !== 'time') return true;
  // All times of the record have the same form, so that their order is that of their text.
  const at = target.at.toISOString().replace(/Z$/, '000Z');
  return (
    (last_commit_before === undefined || last_commit_before <= at) &&
    (first_commit_after === undefined || first_commit_after > at)
  );
}
