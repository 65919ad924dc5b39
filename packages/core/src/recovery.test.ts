import { describe, expect, it } from 'vitest';
import { recoveryFaults } from './recovery.js';
import type { Predicate, RecoveryRecord } from './statement.js';

const T = '2026-11-21T13:19:02.390Z';
const BEFORE = '2026-11-21T13:19:02.376842Z';
const AFTER = '2026-11-21T13:19:02.400000Z';

const at = { kind: 'time', asked: T } as const;
const TIME: RecoveryRecord = {
  target: { kind: 'time', value: T },
  reached: true,
  last_commit_before: BEFORE,
  first_commit_after: AFTER,
  proof: 'both_sides',
};
const XID: RecoveryRecord = {
  target: { kind: 'xid', value: '744' },
  reached: true,
  last_commit_before: BEFORE,
  stopped: { side: 'after', xid: '744', end: 'commit', at: BEFORE },
  proof: 'both_sides',
};
const LATEST: RecoveryRecord = { target: { kind: 'latest' }, reached: true, proof: 'unasserted' };

const faults = (point: Predicate['restore_point'], recovery: RecoveryRecord) =>
  recoveryFaults({ restore_point: point, recovery } as Predicate);

describe('what a receipt says of a recovery', () => {
  it.each<[Predicate['restore_point'], RecoveryRecord]>([
    [at, TIME],
    [{ kind: 'time', asked: '2026-11-21T14:19:02.39+01:00' }, TIME],
    [{ kind: 'xid', asked: '744' }, XID],
    [{ kind: 'latest' }, LATEST],
    [{ kind: 'oldest' }, { ...LATEST, target: { kind: 'immediate' } }],
  ])('stands: %j', (point, recovery) => expect(faults(point, recovery)).toEqual([]));

  it.each<[Predicate['restore_point'], RecoveryRecord, string]>([
    [{ kind: 'latest' }, TIME, 'another target than the restore point'],
    [{ kind: 'id', asked: 'a' }, LATEST, 'another target than the restore point'],
    [{ kind: 'xid', asked: '745' }, XID, 'not what was asked for'],
    [at, { ...TIME, last_commit_before: AFTER }, 'wrong side'],
    [at, { ...TIME, first_commit_after: BEFORE }, 'wrong side'],
    [at, { ...TIME, proof: 'one_side' }, 'the proof of the recovery'],
    [{ kind: 'latest' }, { ...LATEST, proof: 'both_sides' }, 'the proof of the recovery'],
    [
      { kind: 'xid', asked: '744' },
      { ...XID, stopped: { side: 'after', xid: '745', end: 'commit' } },
      'wrong side',
    ],
  ])('does not: %j %j', (point, recovery, clause) =>
    expect(faults(point, recovery).join('; ')).toContain(clause),
  );
});
