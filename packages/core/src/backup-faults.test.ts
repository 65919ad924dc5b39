import { describe, expect, it } from 'vitest';
import { backupFaults } from './backup-faults.js';
import type { Predicate } from './statement.js';

type Backup = NonNullable<Predicate['backup']>;

const MADE = { created_at: '2026-11-20T02:00:00.000Z', created_at_from: 'header' } as const;
const BACKUP: Backup = { id: 'shop.dump', ...MADE, format: 'custom', location: 'file:///b/shop.dump' };
const GLOBALS = {
  id: 'g.sql',
  sha256: `sha256:${'a'.repeat(64)}`,
  size_bytes: 5,
  location: 'file:///b/g.sql',
};
const { sha256: _, size_bytes: __, ...UNREAD } = GLOBALS;
const LATE = '2026-11-20T03:05:00.001Z';
const LIVE = { ...BACKUP, created_at_from: 'dump', location: 'live:shop', format: 'custom' } as const;

const faults = (backup: Partial<Backup>, changes: Partial<Predicate> = {}) =>
  backupFaults({
    source: { slug: 'shop', kind: 'postgres' },
    backup: { ...BACKUP, ...backup },
    newest_backup: { id: BACKUP.id, ...MADE },
    restore: { duration_ms: 5, bytes: 5, warnings: [] },
    issued_at: '2026-11-20T03:00:00.000Z',
    ...changes,
  } as Predicate);

describe('what a receipt says of a backup', () => {
  it.each<[string, Partial<Backup>, Partial<Predicate> | undefined]>([
    ['a dump', {}, undefined],
    ['a dump with its globals', { globals: GLOBALS }, undefined],
    ['a live one', LIVE, { newest_backup: undefined }],
    ['one by a clock that is a little ahead', {}, { issued_at: '2026-11-20T01:55:00.000Z' }],
    ['one that was not restored, with its globals', { globals: UNREAD }, { restore: undefined }],
  ])('stands: %s', (_name, backup, changes) => expect(faults(backup, changes)).toEqual([]));

  it.each<[Partial<Backup>, Partial<Predicate> | undefined, string]>([
    [{ created_at: LATE }, { newest_backup: undefined }, 'after the drill'],
    [{}, { newest_backup: { ...MADE, id: 'x', created_at: LATE } }, 'after the drill'],
    [{ created_at_from: 'dump' }, { newest_backup: undefined }, 'only a live source'],
    [{ location: 'live:shop' }, { newest_backup: undefined }, 'only a live source'],
    [LIVE, {}, 'a live source has no newest backup'],
    [{}, { newest_backup: { ...MADE, id: 'x', created_at_from: 'dump' } }, 'has no newest backup'],
    [{ created_at: '2026-11-20T01:00:00.000Z' }, {}, 'made at another time'],
    [{ created_at_from: 'mtime' }, {}, 'made at another time'],
    [{ format: 'pgbackrest-full' }, { source: { slug: 'shop', kind: 'mongodb' } }, 'of PostgreSQL alone'],
    [{ globals: UNREAD }, {}, 'have no digest'],
    [{ globals: { ...UNREAD, sha256: GLOBALS.sha256 } }, {}, 'not both digest and size'],
    [{ globals: { ...GLOBALS, id: 'shop.dump' } }, {}, 'its own globals'],
    [{ globals: GLOBALS, format: 'pgbackrest-full' }, {}, 'only a dump that is stored'],
    [{ ...LIVE, globals: GLOBALS }, { newest_backup: undefined }, 'only a dump that is stored'],
  ])('does not: %j %j', (backup, changes, clause) =>
    expect(faults(backup, changes).join('; ')).toContain(clause),
  );
});
