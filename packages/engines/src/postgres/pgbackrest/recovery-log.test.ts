import { describe, expect, it } from 'vitest';
import { keepsTarget, noteRecovery, type RecoverySeen, recoveryRecord } from './recovery-log.js';

const AT = { kind: 'time', at: new Date('2026-11-21T13:19:02.390Z') } as const;

function seenIn(...messages: readonly string[]): RecoverySeen {
  const seen: RecoverySeen = { segments: [] };
  for (const message of messages) noteRecovery(seen, message);
  return seen;
}

const BEFORE = 'last completed transaction was at log time 2026-11-21 13:19:02.376842+00';
const AFTER = 'recovery stopping before commit of transaction 744, time 2026-11-21 13:19:02.4+00';

describe('the log of a recovery', () => {
  it('proves a time on both sides', () => {
    const record = recoveryRecord(AT, seenIn(AFTER, BEFORE));
    expect(record).toEqual({
      target: { kind: 'time', value: '2026-11-21T13:19:02.390Z' },
      reached: true,
      last_commit_before: '2026-11-21T13:19:02.376842Z',
      first_commit_after: '2026-11-21T13:19:02.400000Z',
      proof: 'both_sides',
    });
    expect(keepsTarget(AT, record)).toBe(true);
  });

  it('proves it on one side where nothing was committed since the backup', () => {
    expect(recoveryRecord(AT, seenIn(AFTER)).proof).toBe('one_side');
    expect(recoveryRecord({ kind: 'immediate' }, seenIn()).proof).toBe('unasserted');
  });

  it.each([
    ['a commit after the target was replayed', AFTER, BEFORE.replace('02.376842', '02.390001')],
    ['it stopped before one that is not after the target', AFTER.replace('02.4', '02.39'), BEFORE],
  ])('contradicts it where %s', (_, ...messages) => {
    expect(keepsTarget(AT, recoveryRecord(AT, seenIn(...messages)))).toBe(false);
  });

  it('tells the segments that were replayed', () => {
    const seen = seenIn(
      'restored log file "000000010000000000000002" from archive',
      'redo starts at 0/2000028',
    );
    expect(seen.segments).toEqual(['000000010000000000000002']);
  });
});
