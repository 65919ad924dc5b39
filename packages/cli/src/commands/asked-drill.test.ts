import { checkConsistency, createPlan, newDrillId, parseConfig, unfinishedStatement } from '@muster/core';
import { expect, it } from 'vitest';
import { askedDrill } from './asked-drill.js';

const parsed = parseConfig(
  `
sources:
  - slug: shop
    kind: postgres
    backup: { type: pgbackrest, stanza: main, repo: { path: /r } }
    checks: [own]
    schedules:
      - { name: nightly, cron: '0 3 * * *', restore_point: { name: before }, present: [there], absent: [later] }
checks:
  - { id: own, summary_sql: SELECT 1 AS n, expect: n == 1 }
  - { id: there, summary_sql: SELECT 1 AS n, expect: n == 1 }
  - { id: later, summary_sql: SELECT 1 AS n, expect: n == 1 }
`,
  { file: 'muster.yaml', baseDirectory: '/' },
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
const { config } = parsed;
const [source] = config.sources;
if (source === undefined) throw new Error('there is a source');

it('a schedule that is tried by hand is asked its point and its checks, and its receipt may say so', () => {
  const { schedule, ...asked } = askedDrill(source, { kind: 'latest' }, 'nightly');
  expect(asked.restorePoint).toEqual({ kind: 'name', name: 'before' });
  const now = new Date('2026-11-20T03:00:00.000Z');
  const plan = createPlan(config, asked.source, {
    drillId: newDrillId(now),
    trigger: { kind: 'cli', ...(schedule && { schedule }) },
    restorePoint: asked.restorePoint,
  });
  expect(plan.checks.map(({ id, role }) => [id, role])).toEqual([
    ['own', undefined],
    ['there', 'present'],
    ['later', 'absent'],
  ]);
  const issuer = { host: 'h', musterVersion: '0.1.0', nodeVersion: 'v24', os: 'Linux', now };
  const statement = unfinishedStatement({ plan, reason: 'cancelled', attempts: [] }, issuer);
  expect(checkConsistency(statement)).not.toContain('a check has a role, and no schedule gave it one');
  expect(checkConsistency(statement)).not.toContain('the trigger and its schedule contradict each other');
});

it('a restore point that is named goes before that of the schedule', () =>
  expect(askedDrill(source, { kind: 'oldest' }, 'nightly').restorePoint).toEqual({ kind: 'oldest' }));

it('without a schedule the source is asked its own checks', () =>
  expect(askedDrill(source, { kind: 'latest' }, undefined)).toEqual({
    source,
    restorePoint: { kind: 'latest' },
  }));

it('a schedule that the source has not is refused with those that it has', () =>
  expect(() => askedDrill(source, { kind: 'latest' }, 'hourly')).toThrow(
    /no schedule "hourly": it has nightly/,
  ));
