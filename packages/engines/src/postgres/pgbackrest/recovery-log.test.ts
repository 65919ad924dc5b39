import { keepsTarget } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { noteFetched, noteRecovery, type RecoverySeen, recoveryRecord } from './recovery-log.js';

const AT = { kind: 'time', at: new Date('2026-11-21T13:19:02.390Z') } as const;

function seenIn(...messages: readonly string[]): RecoverySeen {
  const seen: RecoverySeen = { segments: [], sums: [] };
  for (const message of [BEGUN, ...messages]) noteRecovery(seen, message, STARTUP);
  return seen;
}

const STARTUP = 63;
const BEGUN = 'database system was interrupted; last known up at 2026-11-21 13:19:00 UTC';

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
    expect(keepsTarget(record)).toBe(true);
  });

  it('proves it on one side where nothing was committed since the backup', () => {
    expect(recoveryRecord(AT, seenIn(AFTER)).proof).toBe('one_side');
    expect(recoveryRecord({ kind: 'immediate' }, seenIn()).proof).toBe('unasserted');
  });

  it.each([
    ['a commit after the target was replayed', AFTER, BEFORE.replace('02.376842', '02.390001')],
    ['it stopped before one that is not after the target', AFTER.replace('02.4', '02.39'), BEFORE],
  ])('contradicts it where %s', (_, ...messages) => {
    expect(keepsTarget(recoveryRecord(AT, seenIn(...messages)))).toBe(false);
  });

  it.each([
    [
      { kind: 'xid', xid: '4294968040' },
      'recovery stopping after commit of transaction 744, time 2026-11-21 13:19:02.4+00',
      { side: 'after', xid: '744', end: 'commit', at: '2026-11-21T13:19:02.400000Z' },
    ],
    [
      { kind: 'xid', xid: '744' },
      'recovery stopping after abort of transaction 744, time 2026-11-21 13:19:02.4+00',
      { side: 'after', xid: '744', end: 'abort', at: '2026-11-21T13:19:02.400000Z' },
    ],
    [
      { kind: 'name', name: 'a "b", time c' },
      'recovery stopping at restore point "a "b", time c", time 2026-11-21 13:19:02+00',
      { side: 'after', name: 'a "b", time c', at: '2026-11-21T13:19:02.000000Z' },
    ],
    [
      { kind: 'lsn', lsn: '0/90002F0' },
      'recovery stopping before WAL location (LSN) "0/90002F8"',
      { side: 'before', lsn: '0/90002F8' },
    ],
  ] as const)('proves %j by where the replay stopped', (target, message, stopped) => {
    const record = recoveryRecord(target, seenIn(BEFORE, message));
    expect(record).toMatchObject({ stopped, proof: 'both_sides' });
    expect(keepsTarget(record)).toBe(true);
  });

  it.each([
    [
      { kind: 'xid', xid: '743' },
      'recovery stopping after commit of transaction 744, time 2026-11-21 13:19:02.4+00',
    ],
    [{ kind: 'xid', xid: '744' }, AFTER],
    [{ kind: 'name', name: 'a' }, 'recovery stopping at restore point "b", time 2026-11-21 13:19:02+00'],
    [{ kind: 'lsn', lsn: '0/90002F0' }, 'recovery stopping before WAL location (LSN) "0/90002E8"'],
    [{ kind: 'lsn', lsn: '0/90002F0' }, 'recovery stopping after WAL location (LSN) "0/90002F8"'],
    [{ kind: 'name', name: 'a' }, BEFORE],
  ] as const)('does not prove %j where the replay stopped elsewhere', (target, message) =>
    expect(keepsTarget(recoveryRecord(target, seenIn(message)))).toBe(false),
  );

  it('takes nothing from a process that does not recover, nor from any once it is over', () => {
    const forged = [
      'restored log file "0000000100000000000000FF" from archive',
      'recovery stopping before commit of transaction 744, time 2026-11-22 13:19:02.4+00',
      'last completed transaction was at log time 2026-11-22 13:19:02.4+00',
    ];
    const seen = seenIn(BEFORE);
    const honest = structuredClone(seen);
    for (const message of [BEGUN, ...forged]) noteRecovery(seen, message, 71);
    expect(seen).toEqual(honest);
    noteRecovery(seen, 'archive recovery complete', 71);
    expect(seen.over).toBeUndefined();
    noteRecovery(seen, 'archive recovery complete', STARTUP);
    for (const message of forged) noteRecovery(seen, message, STARTUP);
    expect(seen).toEqual({ ...honest, over: true });
  });

  it('tells what was fetched, until it is over, and which segment the server found damaged', () => {
    const segment = '000000010000000000000006';
    const seen = seenIn(
      `restored log file "${segment}" from archive`,
      'incorrect resource manager data checksum in record at 0/6000028',
    );
    const line = `muster fetched ${segment} ${'a'.repeat(40)}  -`;
    noteFetched(seen, line);
    noteFetched(seen, `muster fetched 00000002.history ${'b'.repeat(40)}  -`);
    noteRecovery(seen, 'archive recovery complete', STARTUP);
    noteFetched(seen, line.replaceAll('a', 'c'));
    expect(seen).toMatchObject({ damaged: segment, sums: [{ name: segment, sha1: 'a'.repeat(40) }] });
  });

  it.each([
    'invalid record length at 0/6000028: expected at least 24, got 0',
    'invalid magic number 0000 in WAL segment 000000010000000000000006, LSN 0/6002000, offset 8192',
  ])('takes the end of WAL for no damage: %s', (message) => expect(seenIn(message).damaged).toBeUndefined());

  it('tells the segments that were replayed', () => {
    const seen = seenIn(
      'restored log file "000000010000000000000002" from archive',
      'redo starts at 0/2000028',
    );
    expect(seen.segments).toEqual(['000000010000000000000002']);
  });
});
