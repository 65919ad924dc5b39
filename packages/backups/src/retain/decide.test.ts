import { newDrillId, type RestorePoint, type Retain } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { type Candidate, decide } from './decide.js';
import type { DrillFacts } from './drill-facts.js';

const NOW = new Date('2026-11-21T00:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const made = (days: number): Date => new Date(NOW.getTime() - days * DAY);

/** Named by how many days ago it was made. */
function backup(days: number, more: Partial<Candidate> & { readonly growing?: true } = {}): Candidate {
  const id = `day-${days}`;
  const { own = { sha256: `sha256:${days}` }, growing } = more;
  const artefact = { form: 'file' as const, name: id, path: `/b/${id}`, sizeBytes: 10 };
  const at = { mtime: made(days), createdAt: made(days), createdAtFrom: 'name' as const };
  return { backup: { id, location: '', artefact, ...at, ...(growing && { growing }) }, own };
}

const WEEK = [0, 1, 2, 3, 4, 5, 6].map((days) => backup(days));
const PASSED = { id: 'day-0' };

interface Given {
  readonly retain?: Retain;
  readonly drills?: Partial<DrillFacts>;
  readonly unproven?: boolean;
}

/** What is kept, and why: `0 newest`. */
function kept(
  candidates: readonly Candidate[],
  { retain = { count: 1 }, drills, unproven = false }: Given = {},
) {
  const facts = { passed: [PASSED], open: [], ...drills };
  return decide(candidates, { retain, drills: facts, now: NOW, takeMs: 6 * HOUR, unproven }).flatMap(
    ({ backup, kept }) => (kept ? [`${backup.id.slice(4)} ${kept.why}`] : []),
  );
}

const drill = (restorePoint: RestorePoint | undefined, hoursAgo = 1) => ({
  drillId: newDrillId(new Date(NOW.getTime() - hoursAgo * HOUR)),
  ...(restorePoint && { restorePoint }),
});

describe('what retention keeps', () => {
  it('is the newest so many', () => {
    expect(kept(WEEK, { retain: { count: 3 } })).toEqual(['0 newest', '1 count', '2 count']);
  });

  it('is those of the last so many days', () => {
    expect(kept(WEEK, { retain: { days: 2 } })).toEqual(['0 newest', '1 days', '2 days']);
  });

  it.each([
    [{ count: 4, days: 1 }, 4],
    [{ count: 2, days: 3 }, 4],
  ])('is, of %j, whichever keeps more', (retain, count) => {
    expect(kept(WEEK, { retain })).toHaveLength(count);
  });

  it('is the newer half of those days where the clock was set forward: a pause makes nothing older than that', () => {
    const before = Array.from({ length: 14 }, (_, days) => backup(3650 + days));
    const drills = { passed: [{ id: 'day-0' }] };
    const afterOne = kept([backup(0), ...before], { retain: { days: 14 }, drills });
    expect(afterOne).toEqual([
      '0 newest',
      ...before.slice(0, 8).map(({ backup: { id } }) => `${id.slice(4)} days`),
    ]);
    expect(kept([backup(0), backup(1), ...before], { retain: { days: 14 }, drills })).toHaveLength(9);
    expect(kept(before, { retain: { days: 14 }, unproven: true })).toHaveLength(8);
    // Takes that are rarer than those days go by and by all the same.
    const weekly = [0, 7, 14, 21, 28].map((days) => backup(days));
    expect(kept(weekly, { retain: { days: 3 } })).toEqual(['0 newest', '7 days', '14 days']);
  });

  it('is the newest, however old', () => {
    expect(kept([backup(400), backup(500)], { retain: { days: 1 }, unproven: true })).toEqual(['400 newest']);
  });

  it('is the newest that passed its drill, and no older one that did', () => {
    const passed = [{ id: 'day-3' }, { id: 'day-5' }];
    expect(kept(WEEK, { drills: { passed } })).toEqual(['0 newest', '3 passed']);
  });

  it('is no backup of whose name another one passed', () => {
    const passed = [
      { id: 'day-3', sha256: 'sha256:another' },
      { id: 'day-5', sha256: 'sha256:5' },
    ];
    expect(kept(WEEK, { drills: { passed } })).toEqual(['0 newest', '5 passed']);
  });

  it('is all, while none of those that are there has passed, unless a person says so', () => {
    expect(kept(WEEK, { drills: { passed: [{ id: 'day-9' }] } })).toHaveLength(7);
    expect(kept(WEEK, { drills: { passed: [] }, unproven: true })).toEqual(['0 newest']);
  });

  it('is what is being written', () => {
    expect(kept([backup(0), backup(3), backup(4, { growing: true })])).toEqual(['0 newest', '4 writing']);
  });

  it('is what Muster did not take; it does not count', () => {
    const foreign = backup(0, { own: { notBecause: 'no record lies beside it' } });
    const given = { drills: { passed: [{ id: 'day-2' }] } };
    expect(kept([foreign, backup(1), backup(2), backup(3)], given)).toEqual([
      '0 not_musters',
      '1 newest',
      '2 passed',
    ]);
  });

  it('is what is dated in the future, in nobody’s place', () => {
    expect(kept([backup(-30), backup(-1), ...WEEK], { retain: { count: 2 } })).toEqual([
      '-30 future',
      '-1 future',
      '0 newest',
      '1 count',
    ]);
  });
});

describe('a drill that is not over keeps', () => {
  const keptFor = (point: RestorePoint | undefined, hoursAgo?: number) =>
    kept(WEEK, { drills: { open: [drill(point, hoursAgo)] } }).slice(1);

  it('of the latest: what was surely there when it was asked for, and what came since', () => {
    expect(keptFor({ kind: 'latest' }, 5 * 24)).toEqual([
      '1 drill',
      '2 drill',
      '3 drill',
      '4 drill',
      // Made at the time of the drill: it may have come to its place after it.
      '5 drill',
      '6 drill',
    ]);
    expect(keptFor({ kind: 'latest' }, 40)).toEqual(['1 drill', '2 drill']);
  });

  it.each<readonly [RestorePoint | undefined, readonly string[]]>([
    [{ kind: 'oldest' }, ['6 drill']],
    [{ kind: 'id', id: 'day-4' }, ['4 drill']],
    [{ kind: 'time', time: '-71h' }, ['3 drill', '4 drill']],
    [{ kind: 'random', days: 2 }, ['1 drill', '2 drill']],
    [{ kind: 'random' }, ['1 drill', '2 drill', '3 drill', '4 drill', '5 drill', '6 drill']],
    [undefined, ['1 drill', '2 drill', '3 drill', '4 drill', '5 drill', '6 drill']],
  ])('of %j: %j', (point, expected) => {
    expect(keptFor(point)).toEqual(expected);
  });
});
