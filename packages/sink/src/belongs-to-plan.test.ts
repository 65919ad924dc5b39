import { type Plan, type Statement, scheduledDrillId, unfinishedStatement } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { strayFrom } from './belongs-to-plan.js';

const DUE = new Date('2026-11-20T03:00:00.000Z');
const HASH = `sha256:${'0'.repeat(64)}`;
const PLAN: Plan = {
  drill_id: scheduledDrillId('shop', 'nightly', DUE),
  source: { slug: 'shop', kind: 'postgres' },
  trigger: { kind: 'schedule', schedule: 'nightly', scheduled_for: DUE.toISOString() },
  pool: 'default',
  restore_point: { kind: 'latest' },
  checks: [
    { id: 'a', check_sha256: HASH, expect_sha256: HASH },
    { id: 'b', check_sha256: HASH, expect_sha256: HASH },
  ],
  config_sha256: HASH,
};
const ISSUER = { host: 'h', musterVersion: '0', nodeVersion: 'v24', os: 'x', now: DUE };
const statement = (changes: Partial<Statement['predicate']> = {}): Statement => {
  const whole = unfinishedStatement({ plan: PLAN, reason: 'lost', attempts: [] }, ISSUER);
  return { ...whole, predicate: { ...whole.predicate, ...changes } };
};

describe('a receipt and its plan', () => {
  it('belong together, also where the worker said what the restore point resolved to', () => {
    expect(strayFrom(statement(), PLAN)).toEqual([]);
    const restorePoint = { ...PLAN.restore_point, resolved: 'x.dump' };
    expect(strayFrom(statement({ restore_point: restorePoint }), PLAN)).toEqual([]);
  });

  const [first] = statement().predicate.checks;
  it.each<[string, Partial<Statement['predicate']>]>([
    ['checks', { checks: first === undefined ? [] : [first] }],
    [
      'checks',
      { checks: statement().predicate.checks.map((check) => ({ ...check, role: 'absent' as const })) },
    ],
    [
      'checks',
      {
        checks: statement().predicate.checks.map((check) => ({
          ...check,
          check_sha256: `sha256:${'1'.repeat(64)}`,
        })),
      },
    ],
    ['source', { source: { slug: 'other', kind: 'postgres' } }],
    ['trigger', { trigger: { kind: 'cli' } }],
    ['configuration', { config_sha256: `sha256:${'1'.repeat(64)}` }],
    ['restore point', { restore_point: { kind: 'oldest' } }],
    ['promise', { objectives: { enforce: 'none', rpo_s: 60 } }],
    ['restore_only', { restore_only: true }],
    ['pool', { environment: { ...statement().predicate.environment, pool: 'eu' } }],
    ['drill', { drill_id: scheduledDrillId('shop', 'weekly', DUE) }],
  ])('do not where the %s differ', (what, changes) => {
    expect(strayFrom(statement(changes), PLAN)).toEqual([`its ${what} is not that of the plan`]);
  });
});
