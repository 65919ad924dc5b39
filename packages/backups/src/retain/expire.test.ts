import { newDrillId, type RestorePoint } from '@muster/core';
import { describe, expect, it } from 'vitest';
import type { Backup } from '../repository.js';
import { decideSets, expireSets } from './expire.js';

const NOW = new Date('2026-11-21T00:00:00Z');
const DAY = 86_400_000;
const signal = AbortSignal.timeout(10_000);

function set(id: string, days: number): Backup {
  const at = new Date(NOW.getTime() - days * DAY);
  const artefact = { form: 'remote' as const, name: id, sizeBytes: 100, fetch: () => Promise.reject() };
  return { id, location: '', artefact, mtime: at, createdAt: at, createdAtFrom: 'header' };
}

/** Four weeks: a full set each Sunday, one that needs it in the middle of the week. */
const SETS: readonly Backup[] = [
  set('20261118-000000F', 3),
  set('20261111-000000F_20261114-000000I', 7),
  set('20261111-000000F', 10),
  set('20261104-000000F_20261107-000000D', 14),
  set('20261104-000000F', 17),
  set('20261028-000000F', 24),
];

const DECIDING = {
  ...{ retain: { count: 1 }, now: NOW, takeMs: 3_600_000, unproven: false },
  drills: { passed: [{ id: '20261118-000000F' }], open: [] },
};
const kept = (changes: Partial<Parameters<typeof decideSets>[1]> = {}, sets = SETS) =>
  decideSets(sets, { ...DECIDING, ...changes }).flatMap(({ backup, kept }) =>
    kept ? [`${backup.id.slice(4, 8)}${backup.id.includes('_') ? '+' : ''} ${kept.why}`] : [],
  );
const openFor = (restorePoint: RestorePoint) => ({
  ...DECIDING.drills,
  open: [{ drillId: newDrillId(NOW), restorePoint }],
});

describe('sets of pgBackRest', () => {
  it('count by full sets, and go with those that need them', () => {
    expect(kept({ retain: { count: 2 } })).toEqual(['1118 newest', '1111+ count', '1111 count']);
  });

  it('of the last so many days stay, and the full set before them, so that each point of them can be had', () => {
    expect(kept({ retain: { days: 5 } })).toEqual(['1118 newest', '1111+ days', '1111 days']);
    expect(kept({ retain: { days: 14 } })).toHaveLength(5);
  });

  it('stay, the newer half of those days, where the clock was set forward', () => {
    const before = SETS.map((one) => ({
      ...one,
      createdAt: new Date(one.createdAt.getTime() - 3650 * DAY),
    }));
    expect(kept({ retain: { days: 14 } }, [set('20361121-000000F', 0), ...before])).toEqual([
      '1121 newest',
      '1118 days',
      '1111+ days',
      '1111 days',
    ]);
  });

  it('stay by whichever keeps more', () => {
    expect(kept({ retain: { count: 3, days: 1 } })).toHaveLength(5);
    expect(kept({ retain: { count: 1, days: 14 } })).toHaveLength(5);
  });

  it('stay with the newest that passed, and so do those between', () => {
    expect(kept({ drills: { passed: [{ id: '20261104-000000F_20261107-000000D' }], open: [] } })).toEqual([
      '1118 newest',
      '1111+ newer',
      '1111 newer',
      '1104+ passed',
      '1104 passed',
    ]);
  });

  it('stay while a drill may be reading one of their chain', () => {
    expect(kept({ drills: openFor({ kind: 'id', id: '20261111-000000F' }) })).toEqual([
      '1118 newest',
      '1111+ drill',
      '1111 drill',
    ]);
    expect(kept({ drills: openFor({ kind: 'xid', xid: '1234' }) })).toHaveLength(6);
  });

  it('stay while none has passed, unless a person says so', () => {
    const drills = { passed: [], open: [] };
    expect(kept({ drills })).toHaveLength(6);
    expect(kept({ drills, unproven: true })).toHaveLength(1);
  });

  it('that are dated in the future stay', () => {
    expect(kept({}, [set('20270101-000000F', -41), ...SETS])[0]).toBe('0101 future');
  });
});

describe('pgbackrest expire', () => {
  const request = {
    ...{ source: { slug: 'shop', kind: 'postgres' } as const, retain: { count: 1, days: 5 } },
    ...{ takeMs: 0, dryRun: false, unproven: false },
  };
  const world = () => {
    const asked: string[][] = [];
    let sets = SETS;
    const ports = {
      repository: { location: 'file:///repo', list: async () => sets },
      drills: async () => DECIDING.drills,
      now: () => NOW,
      expire: async (options: readonly string[]) => {
        asked.push([...options]);
        sets = sets.slice(0, 3);
      },
    };
    return { asked, ports };
  };

  it('is told one count of full sets that keeps all that is to be kept, before its own configuration', async () => {
    const { asked, ports } = world();
    const { backups, freedBytes } = await expireSets(ports, request, signal);
    expect(asked).toEqual([
      [
        '--repo1-retention-full-type=count',
        '--repo1-retention-full=2',
        '--repo1-retention-diff=9999999',
        '--repo1-retention-archive-type=full',
        '--repo1-retention-archive=2',
      ],
    ]);
    expect(backups.map(({ outcome }) => outcome)).toEqual([
      ...Array(3).fill('kept'),
      ...Array(3).fill('removed'),
    ]);
    expect(freedBytes).toBe(300);
  });

  it('counts a set that came while drills were looked at, so that none goes in its place', async () => {
    const { asked, ports } = world();
    let sets = SETS;
    const drills = async () => {
      sets = [set('20261120-000000F', 1), ...SETS];
      return DECIDING.drills;
    };
    await expireSets(
      { ...ports, drills, repository: { location: '', list: async () => sets } },
      request,
      signal,
    );
    expect(asked[0]?.[1]).toBe('--repo1-retention-full=3');
  });

  it('is not run in a dry run, nor where all is kept', async () => {
    const { asked, ports } = world();
    await expireSets(ports, { ...request, dryRun: true }, signal);
    await expireSets(ports, { ...request, retain: { days: 365 } }, signal);
    expect(asked).toEqual([]);
  });
});
