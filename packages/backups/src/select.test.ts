import { drawFaults, newDrillId, type Predicate, type RestorePoint, sha256 } from '@muster/core';
import { describe, expect, it } from 'vitest';
import type { Backup } from './repository.js';
import { selectBackup } from './select.js';

const AT = new Date('2026-11-20T03:00:00.000Z');
const drillId = newDrillId(AT, () => 0);
const hoursBefore = (hours: number): Date => new Date(AT.getTime() - hours * 3_600_000);

const made = (id: string, hours: number, growing?: true): Backup => ({
  id,
  artefact: { form: 'file', name: id, path: `/b/${id}`, sizeBytes: 5 },
  location: `here/${id}`,
  mtime: AT,
  createdAt: hoursBefore(hours),
  createdAtFrom: 'header',
  ...(growing && { growing }),
});
const BACKUPS = [made('d', -1), made('c', 1), made('b', 24), made('a', 48)];

const select = (point: RestorePoint, backups: readonly Backup[] = BACKUPS) =>
  selectBackup(backups, point, { drillId, location: 'here', now: hoursBefore(-2) });
const refusal = (point: RestorePoint, backups: readonly Backup[] = BACKUPS) => {
  try {
    return select(point, backups).backup.id;
  } catch (error) {
    return error;
  }
};

describe('a restore point', () => {
  it.each<[string, RestorePoint]>([
    ['d', { kind: 'latest' }],
    ['a', { kind: 'oldest' }],
    ['b', { kind: 'id', id: 'b' }],
    ['c', { kind: 'time', time: AT.toISOString() }],
    ['b', { kind: 'time', time: '-24h' }],
    ['b', { kind: 'time', time: '2026-11-20T02:59:59+01:00' }],
  ])('means %s: %j', (id, point) => {
    const { backup, newest, listing } = select(point);
    expect([backup.id, newest.id, listing]).toEqual([id, 'd', undefined]);
  });

  it('by lot means one of its window, with the listing that proves it', () => {
    const { backup, newest, listing } = select({ kind: 'random', days: 1 });
    if (listing === undefined) throw new Error('there is a listing');
    expect(JSON.parse(listing.listing).map(({ id }: Backup) => id)).toEqual(['b', 'c']);
    expect(listing.listingSha256).toBe(sha256(listing.listing));
    expect(newest.id).toBe('d');
    const receipt = {
      drill_id: drillId,
      restore_point: { kind: 'random', asked: '1d', resolved: backup.id },
      backup: { created_at: backup.createdAt.toISOString() },
    } as Predicate;
    expect(drawFaults(receipt, listing.listing)).toEqual([]);
  });

  it('by lot without a window means any there is', () =>
    expect(JSON.parse(select({ kind: 'random' }).listing?.listing ?? '')).toHaveLength(BACKUPS.length));

  describe('in WAL', () => {
    const set = (id: string, hours: number, wholeAt: string | undefined, cluster = '17-2'): Backup => ({
      ...made(id, hours),
      wal: { cluster, ...(wholeAt !== undefined && { wholeAt }) },
    });
    const SETS = [
      set('e', 1, '1/30'),
      set('d', 2, undefined),
      set('c', 3, '0/FFFFFFFF'),
      set('b', 4, '0/10'),
      set('a', 5, '0/9', '15-1'),
    ];

    it.each([
      ['e', '1/30'],
      ['c', '1/2F'],
      ['b', '0/10'],
    ])('means the newest set that was whole by then: %s at %s', (id, lsn) =>
      expect(select({ kind: 'lsn', lsn }, SETS).backup.id).toBe(id),
    );

    it('means no set of a cluster before an upgrade', () =>
      expect(refusal({ kind: 'lsn', lsn: '0/A' }, SETS)).toMatchObject({ code: 'no_backup_before' }));

    it('without a place means the newest set, and then those before it', () => {
      const { backup, older } = select({ kind: 'xid', xid: '744' }, SETS);
      expect([backup, ...(older ?? [])].map(({ id }) => id)).toEqual(['e', 'd', 'c']);
    });
  });

  it('never means what is being written', () => {
    const backups = [made('e', -2, true), ...BACKUPS, made('_', 99, true)];
    expect(refusal({ kind: 'latest' }, backups)).toBe('d');
    expect(refusal({ kind: 'oldest' }, backups)).toBe('a');
    expect(select({ kind: 'random' }, backups).listing?.listing).not.toMatch(/"[_e]"/);
  });

  it.each<RestorePoint>([
    { kind: 'latest' },
    { kind: 'id', id: 'a' },
    { kind: 'time', time: '-24h' },
    { kind: 'random', days: 14 },
  ])('means none where the newest is of the future: %j', (point) =>
    expect(refusal(point, [made('e', -2.1), ...BACKUPS])).toMatchObject({
      code: 'future_dated',
      message: expect.stringMatching(/made at 2026-11-20T05:06:00\.000Z by its header.*backup\.tz/),
    }),
  );

  it('means one that is of the future by no more than clocks differ', () =>
    expect(select({ kind: 'latest' }, [made('e', -2.08), ...BACKUPS]).backup.id).toBe('e'));

  it.each<[string, RestorePoint, readonly Backup[], string, RegExp]>([
    ['nothing', { kind: 'latest' }, [], 'no_backup', /No backup was found in here/],
    [
      'another name',
      { kind: 'id', id: 'x' },
      BACKUPS,
      'no_backup',
      /of the id "x" is in here: 4 backups were listed\. The newest there are: d, c, b, a\./,
    ],
    [
      'an earlier time',
      { kind: 'time', time: '-3d' },
      BACKUPS,
      'no_backup_before',
      /The oldest there is: a, made/,
    ],
    [
      'an empty window',
      { kind: 'random', days: 1 },
      [made('d', -1), made('a', 48)],
      'no_backup_in_window',
      /in the 1 days before 2026-11-20/,
    ],
    [
      'all being written',
      { kind: 'latest' },
      [made('a', 1, true)],
      'backup_unfinished',
      /being written: a\./,
    ],
    [
      'the one named being written',
      { kind: 'id', id: 'e' },
      [made('e', 0, true), ...BACKUPS],
      'backup_unfinished',
      /being written: e\./,
    ],
  ])('where there is %s is refused by a reason of its own', (_name, point, backups, code, message) =>
    expect(refusal(point, backups)).toMatchObject({ code, message: expect.stringMatching(message) }),
  );
});
