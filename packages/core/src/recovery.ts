import { broken } from './broken.js';
import { readLsn } from './restore-point.js';
import type { Predicate, RecoveryRecord } from './statement.js';

type Recovered = Omit<RecoveryRecord, 'proof'>;

/** Whether what was replayed lies on the right sides of the target, as far as the record knows. */
export function keepsTarget(recovered: Recovered): boolean {
  const { target, stopped, last_commit_before: last, first_commit_after: first } = recovered;
  const { kind, value = '' } = target;
  switch (kind) {
    case 'latest':
    case 'immediate':
      return target.value === undefined && stopped === undefined;
    case 'time': {
      // All times of the record have the same form, so that their order is that of their text.
      const at = value.replace(/Z$/, '000Z');
      return (
        stopped === undefined && !(last !== undefined && last > at) && !(first !== undefined && first <= at)
      );
    }
    case 'xid':
      return stopped?.side === 'after' && stopped.end !== undefined && stopped.xid === shortXid(value);
    case 'name':
      return stopped?.side === 'after' && stopped.name === value;
    case 'lsn': {
      const [asked, at] = [readLsn(value), readLsn(stopped?.lsn ?? '')];
      return stopped?.side === 'before' && asked !== undefined && at !== undefined && at >= asked;
    }
  }
}

/** As it stands in WAL: its lower 32 bits. */
const shortXid = (xid: string): string | undefined =>
  /^\d+$/.test(xid) ? String(BigInt.asUintN(32, BigInt(xid))) : undefined;

/**
 * On how many sides of the target it is known what was replayed. A commit on either side proves a time. The other
 * targets are where the replay itself stopped: up to there everything was replayed, and nothing behind it.
 */
export function proofOf({ stopped, last_commit_before: last, first_commit_after: first }: Recovered) {
  if (stopped !== undefined) return 'both_sides';
  if (last !== undefined && first !== undefined) return 'both_sides';
  return last === undefined && first === undefined ? 'unasserted' : 'one_side';
}

/** To which target the restore points of a drill lead. */
const TARGET_KINDS = {
  latest: 'latest',
  oldest: 'immediate',
  random: 'immediate',
  id: 'immediate',
  time: 'time',
  xid: 'xid',
  name: 'name',
  lsn: 'lsn',
} as const;

/** What a receipt says of a recovery follows from what it says of the server's log, and is what was asked for. */
export function recoveryFaults({ recovery, restore_point: point }: Predicate): string[] {
  if (recovery === undefined) return [];
  const { target } = recovery;
  const asked = target.kind === 'latest' || target.kind === 'immediate' ? undefined : point.asked;
  return broken([
    [target.kind === TARGET_KINDS[point.kind], 'the recovery had another target than the restore point'],
    [sameTarget(target, asked), 'the target of the recovery is not what was asked for'],
    [keepsTarget(recovery), 'what was replayed lies on the wrong side of the target'],
    [recovery.proof === proofOf(recovery), 'the proof of the recovery is not that of what was replayed'],
  ]);
}

/** A time may be asked for in another form. */
const sameTarget = ({ kind, value }: RecoveryRecord['target'], asked: string | undefined): boolean =>
  kind === 'time' && value !== undefined && asked !== undefined
    ? Date.parse(value) === Date.parse(asked)
    : value === asked;
