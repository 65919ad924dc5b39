import { describe, expect, it } from 'vitest';
import { replayFaults } from './replay-faults.js';
import type { Predicate, RecoveryRecord } from './statement.js';

const T = '2026-11-20T02:30:00.000Z';
const MADE = '2026-11-20T02:00:00.000Z';
const AFTER = '2026-11-20T02:45:00.000000Z';
const LATE = '2098-12-31T00:00:00.000000Z';
const SET = {
  id: 's',
  format: 'pgbackrest-full',
  created_at: MADE,
  created_at_from: 'header',
  location: 'l',
} as const;
const DUMP = { ...SET, format: 'custom' } as const;
const at = { kind: 'time', asked: T } as const;

const record = (
  kind: RecoveryRecord['target']['kind'],
  value?: string,
  stopped?: RecoveryRecord['stopped'],
): RecoveryRecord => ({
  target: { kind, ...(value !== undefined && { value }) },
  reached: true,
  ...(stopped && { stopped }),
  proof: stopped ? 'both_sides' : 'unasserted',
});
const LATEST = record('latest');
const LSN = record('lsn', '0/5000000', { side: 'before', lsn: '0/5000028' });
const XID = record('xid', '742', { side: 'after', xid: '742', end: 'commit', at: AFTER });
const NAME = record('name', 'x', { side: 'after', name: 'x', at: AFTER });

const faults = (changes: Partial<Predicate>) =>
  replayFaults({
    restore_point: { kind: 'latest' },
    backup: SET,
    restore: { duration_ms: 5, bytes: 5, warnings: [] },
    recovery: LATEST,
    issued_at: '2026-11-20T03:00:00.000Z',
    ...changes,
  } as Predicate);

describe('what a receipt says of a replay', () => {
  it.each<[string, Partial<Predicate>]>([
    ['of all WAL', { recovery: { ...LATEST, last_commit_before: AFTER, proof: 'one_side' } }],
    ['of none, in a dump', { backup: DUMP, recovery: undefined }],
    ['of none, in a set that was not restored', { restore: undefined, recovery: undefined }],
    ['to a time', { restore_point: at, recovery: { ...record('time', T), first_commit_after: AFTER } }],
    ['to a location', { restore_point: { kind: 'lsn', asked: '0/5000000' }, recovery: LSN }],
    ['to a transaction', { restore_point: { kind: 'xid', asked: '742' }, recovery: XID }],
    ['to a name', { restore_point: { kind: 'name', asked: 'x' }, recovery: NAME }],
    [
      'of none, in a dump whose head told a later time than its listing',
      { backup: { ...DUMP, created_at: '2026-11-20T02:31:00.000Z' }, restore_point: at, recovery: undefined },
    ],
  ])('stands: %s', (_name, changes) => expect(faults(changes)).toEqual([]));

  it.each<[string, Partial<Predicate>, string]>([
    ['none of a set', { recovery: undefined }, 'go together'],
    ['one of a dump', { backup: DUMP }, 'go together'],
    ['one of what was not restored', { restore: undefined }, 'go together'],
    [
      'a transaction in a dump',
      { backup: DUMP, recovery: undefined, restore_point: { kind: 'xid', asked: '742' } },
      'the backup has none',
    ],
    [
      'a time before the set was made',
      { restore_point: { kind: 'time', asked: '2026-11-20T01:59:59.999Z' } },
      'made after the time',
    ],
    [
      'a time before the dump was made, by its name',
      {
        backup: { ...DUMP, created_at_from: 'name' },
        restore_point: { kind: 'time', asked: '2020-01-01T00:00:00.000Z' },
        recovery: undefined,
      },
      'made after the time',
    ],
    [
      'a commit of after the drill',
      { recovery: { ...LATEST, last_commit_before: LATE } },
      'of after the drill',
    ],
    [
      'a target of after the drill',
      { recovery: record('time', '2099-01-01T00:00:00.000Z') },
      'of after the drill',
    ],
    [
      'a stop of after the drill',
      { recovery: record('name', 'x', { side: 'after', name: 'x', at: LATE }) },
      'of after the drill',
    ],
    ['a commit behind all WAL', { recovery: { ...LATEST, first_commit_after: AFTER } }, 'knows of none'],
    ['a commit behind a transaction', { recovery: { ...XID, first_commit_after: AFTER } }, 'knows of none'],
    [
      'a location far behind',
      { recovery: record('lsn', '0/5000000', { side: 'before', lsn: 'FF/0' }) },
      'far behind',
    ],
    [
      'a location with a transaction',
      { recovery: record('lsn', '0/5', { side: 'before', lsn: '0/5', xid: '7', end: 'abort' }) },
      'something else',
    ],
    [
      'a transaction with a name',
      { recovery: record('xid', '7', { side: 'after', xid: '7', end: 'commit', name: 'x' }) },
      'something else',
    ],
    [
      'a name with a location',
      { recovery: record('name', 'x', { side: 'after', name: 'x', lsn: '0/5' }) },
      'something else',
    ],
  ])('does not: %s', (_name, changes, clause) => expect(faults(changes).join('; ')).toContain(clause));
});
