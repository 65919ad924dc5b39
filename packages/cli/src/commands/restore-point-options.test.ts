import type { RestorePoint } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { type RestorePointOptions, restorePointOf } from './restore-point-options.js';

const NOW = new Date('2026-11-20T03:00:00.000Z');

describe('the options for a restore point', () => {
  it.each<[RestorePointOptions, RestorePoint]>([
    [{}, { kind: 'latest' }],
    [{ oldest: true }, { kind: 'oldest' }],
    [{ backup: 'x' }, { kind: 'id', id: 'x' }],
    [{ random: true }, { kind: 'random' }],
    [
      { random: true, days: '14' },
      { kind: 'random', days: 14 },
    ],
    [{ at: '-2h' }, { kind: 'time', time: '-2h' }],
    [{ at: '2026-11-20T03:00:00Z' }, { kind: 'time', time: '2026-11-20T03:00:00Z' }],
    [{ at: 'xid:4711' }, { kind: 'xid', xid: '4711' }],
    [{ at: 'name:a: b' }, { kind: 'name', name: 'a: b' }],
    [{ at: 'lsn:16/B374D848' }, { kind: 'lsn', lsn: '16/B374D848' }],
  ])('%j are read', (options, point) => expect(restorePointOf(options, NOW)).toEqual(point));

  it.each<[RestorePointOptions, string]>([
    [{ days: '14' }, '--days belongs to --random'],
    [{ random: true, days: '0' }, '--days takes a number of days'],
    [{ random: true, days: '1.5' }, '--days takes a number of days'],
    [{ random: true, days: '99999' }, '--days takes a number of days'],
    [{ at: 'noon' }, 'expected a time such as'],
    [{ at: '2026-11-20 03:00' }, 'expected a time such as'],
    [{ at: 'xid:0x12' }, '--at xid: expected the number of a transaction'],
    [{ at: 'name:' }, '--at name: expected the name'],
    [{ at: 'lsn:16' }, '--at lsn: expected a location'],
    [{ at: '2026-11-20T03:00:01Z' }, 'is still to come'],
  ])('%j are refused', (options, message) =>
    expect(() => restorePointOf(options, NOW)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(message) }),
    ),
  );
});
