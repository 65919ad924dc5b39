import { isPgbackrestSet } from './backup-faults.js';
import { broken } from './broken.js';
import { isFuture } from './clock-skew.js';
import { readLsn } from './restore-point.js';
import type { Predicate, RecoveryRecord } from './statement.js';

const WAL_KINDS: ReadonlySet<string> = new Set(['xid', 'name', 'lsn']);

/** Whether what was replayed fits the backup, the restore point and the time of the drill. */
export function replayFaults(predicate: Predicate): string[] {
  const { recovery, restore, restore_point: point, backup } = predicate;
  const isSet = isPgbackrestSet(backup);
  return [
    ...broken([
      [
        (recovery !== undefined) === (restore !== undefined && isSet),
        'a recovery, and a set of pgBackRest that was restored, go together',
      ],
      [
        restore === undefined || isSet || !WAL_KINDS.has(point.kind),
        'the restore point is one in WAL, and the backup has none',
      ],
      [wasMadeBefore(predicate), 'the backup was made after the time that was asked for'],
    ]),
    ...(recovery === undefined ? [] : recordFaults(recovery, predicate)),
  ];
}

/**
 * Of a set its listing is the last word. A dump is chosen by what its listing knew, and its head may then say another
 * time.
 */
function wasMadeBefore({ backup, restore_point: { kind, asked } }: Predicate): boolean {
  if (kind !== 'time' || asked === undefined || backup?.created_at === undefined) return true;
  const isKnown = isPgbackrestSet(backup) || backup.created_at_from !== 'header';
  return !isKnown || !(Date.parse(backup.created_at) > Date.parse(asked));
}

/** Of commits that a record of a recovery tells, and of what it was told to stop at. */
export function timesOf(recovery: RecoveryRecord): readonly Date[] {
  const { target, stopped, last_commit_before: last, first_commit_after: first } = recovery;
  const aim = target.kind === 'time' ? target.value : undefined;
  return [last, first, stopped?.at, aim].flatMap((time) => (time === undefined ? [] : [new Date(time)]));
}

function recordFaults(recovery: RecoveryRecord, { issued_at: issuedAt }: Predicate): string[] {
  const { target, first_commit_after: first } = recovery;
  const issued = new Date(issuedAt);
  return broken([
    [timesOf(recovery).every((time) => !isFuture(time, issued)), 'what was replayed is of after the drill'],
    [first === undefined || target.kind === 'time', 'a commit is told behind a target that knows of none'],
    [hasOnlyItsOwn(recovery), 'the replay stopped at something else than its target'],
    [isNear(recovery), 'the replay stopped far behind its target'],
  ]);
}

/** What a replay can stop at is told in the words of its target. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  xid: ['side', 'xid', 'end', 'at'],
  name: ['side', 'name', 'at'],
  lsn: ['side', 'lsn'],
};

const hasOnlyItsOwn = ({ target, stopped = { side: 'after' } }: RecoveryRecord): boolean =>
  Object.entries(stopped).every(
    ([field, value]) => value === undefined || (OWN[target.kind] ?? ['side']).includes(field),
  );

/** A record has at most a GiB, and the rest of a segment may be empty after it, another GiB at most. */
const FARTHEST = 4n * 2n ** 30n;

function isNear({ target, stopped }: RecoveryRecord): boolean {
  if (target.kind !== 'lsn') return true;
  const [asked, at] = [readLsn(target.value ?? ''), readLsn(stopped?.lsn ?? '')];
  return asked === undefined || at === undefined || at - asked <= FARTHEST;
}
