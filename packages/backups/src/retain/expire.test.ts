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
  /** As pgBackRest: what is named goes with what needs it, and WAL before so many of the newest full sets. */
  const world = (first = SETS) => {
    const asked: string[][] = [];
    let sets = first;
    /** The oldest full set whose WAL is there to the next one. */
    let walFrom = '';
    const ports = {
      repository: { location: 'file:///repo', list: async () => sets },
      drills: async () => DECIDING.drills,
      now: () => NOW,
      expire: async (options: readonly string[]) => {
        asked.push([...options]);
        const of = (name: string) =>
          options.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3);
        const named = of('set');
        sets = sets.filter(({ id }) => named === undefined || !id.startsWith(named));
        const fulls = sets.filter(({ id }) => !id.includes('_')).map(({ id }) => id);
        expect(Number(of('repo1-retention-full'))).toBeGreaterThanOrEqual(fulls.length);
        walFrom = fulls[Number(of('repo1-retention-archive')) - 1] ?? walFrom;
      },
    };
    const come = (one: Backup) => {
      sets = [one, ...sets];
    };
    return { asked, ports, come, has: () => sets.map(({ id }) => id), walFrom: () => walFrom };
  };
  const RULES = [
    '--repo1-retention-full-type=count',
    '--repo1-retention-full=9999999',
    '--repo1-retention-diff=9999999',
    '--repo1-retention-archive-type=full',
  ];

  it('is told the names of what goes, and to let go the WAL before the last of it', async () => {
    const { asked, ports } = world();
    const { backups, freedBytes } = await expireSets(ports, request, signal);
    expect(asked).toEqual([
      ['--set=20261028-000000F', ...RULES, '--repo1-retention-archive=9999999'],
      [...RULES, '--repo1-retention-archive=3'],
      ['--set=20261104-000000F', ...RULES, '--repo1-retention-archive=9999999'],
    ]);
    expect(backups.map(({ outcome }) => outcome)).toEqual([
      ...Array(3).fill('kept'),
      ...Array(3).fill('removed'),
    ]);
    expect(freedBytes).toBe(300);
  });

  it.each([0, 1, 2])(
    'keeps what passed, and its WAL, where a full set comes before its command %i',
    async (before) => {
      const { asked, ports, come, has, walFrom } = world();
      const proven = '20261111-000000F';
      const expire = async (options: readonly string[]) => {
        if (asked.length === before) come(set('20261120-000000F', 1));
        await ports.expire(options);
      };
      const drills = async () => ({ passed: [{ id: proven }], open: [] });
      await expireSets({ ...ports, expire, drills }, { ...request, retain: { count: 1 } }, signal);
      expect(has()).toEqual(['20261120-000000F', ...SETS.slice(0, 3).map(({ id }) => id)]);
      expect(walFrom() <= proven).toBe(true);
    },
  );

  it('leaves WAL alone where somebody else was faster', async () => {
    const { asked, ports, has } = world();
    const expire = async (options: readonly string[]) => {
      await ports.expire(options);
      await ports.expire(['--set=20261104-000000F', '--repo1-retention-full=9']);
    };
    await expireSets({ ...ports, expire }, request, signal);
    expect(has()).toHaveLength(3);
    expect(asked.filter(([first]) => !first?.startsWith('--set='))).toEqual([]);
  });

  it('is not run in a dry run, nor where all is kept', async () => {
    const { asked, ports } = world();
    await expireSets(ports, { ...request, dryRun: true }, signal);
    await expireSets(ports, { ...request, retain: { days: 365 } }, signal);
    expect(asked).toEqual([]);
  });
});
