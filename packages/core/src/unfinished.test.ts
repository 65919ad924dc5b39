import { describe, expect, it } from 'vitest';
import { checkConsistency } from './consistency.js';
import { scheduledDrillId } from './ids.js';
import type { Plan } from './plan.js';
import { type Attempt, statementSchema } from './statement.js';
import { UNFINISHED_REASONS, unfinishedStatement } from './unfinished.js';

const DUE = new Date('2026-11-20T03:00:00.000Z');
const HASH = `sha256:${'0'.repeat(64)}`;
const PLAN: Plan = {
  drill_id: scheduledDrillId('shop', 'nightly', DUE),
  source: { slug: 'shop', kind: 'postgres' },
  trigger: { kind: 'schedule', schedule: 'nightly', scheduled_for: DUE.toISOString() },
  pool: 'default',
  restore_point: { kind: 'latest' },
  checks: [{ id: 'c', check_sha256: HASH, expect_sha256: HASH }],
  config_sha256: HASH,
};
const ISSUER = {
  host: 'sink-1',
  musterVersion: '0.1.0',
  nodeVersion: 'v24.0.0',
  os: 'Linux 6',
  now: new Date('2026-11-20T03:10:00.000Z'),
};
const lost: Attempt = { worker: 'w', started_at: '2026-11-20T03:01:00.000Z', outcome: 'lost' };

describe('the statement on a drill that no worker finished', () => {
  it.each(UNFINISHED_REASONS)('for %s is well formed and consistent, with tries and without', (reason) => {
    for (const attempts of [[], [lost], [lost, { ...lost, outcome: 'returned' as const }]]) {
      const statement = unfinishedStatement({ plan: PLAN, reason, attempts }, ISSUER);
      expect(statementSchema.parse(statement)).toEqual(statement);
      expect(checkConsistency(statement)).toEqual([]);
    }
  });

  it('is not for a worker to make', () => {
    const statement = unfinishedStatement({ plan: PLAN, reason: 'lost', attempts: [] }, ISSUER);
    const { issued_by: _, ...predicate } = statement.predicate;
    expect(checkConsistency({ ...statement, predicate })).toEqual([
      'nobody tried it, and a worker issued it',
      'a worker cannot say lost: only the sink that missed it can',
    ]);
  });

  it('says nothing of the backup', () => {
    const statement = unfinishedStatement({ plan: PLAN, reason: 'lost', attempts: [] }, ISSUER);
    const backup = { id: 'x.dump', location: '/x' };
    const predicate = { ...statement.predicate, backup };
    expect(checkConsistency({ ...statement, predicate })).toContain(
      'the sink issued it, and it says what only a worker can have seen',
    );
  });

  it('by clocks of two hosts, five minutes apart, is consistent; a day apart it is not', () => {
    const at = (text: string) => ({ ...ISSUER, now: new Date(text) });
    const late = { plan: PLAN, reason: 'worker_lost' as const, attempts: [lost] };
    expect(checkConsistency(unfinishedStatement(late, at('2026-11-20T02:57:00.000Z')))).toEqual([]);
    expect(checkConsistency(unfinishedStatement(late, at('2026-11-19T03:00:00.000Z')))).toHaveLength(2);
  });
});

describe('the id of a scheduled drill', () => {
  it('is the same for the same schedule and due time, and another for any other', () => {
    const ids = [
      scheduledDrillId('a', 'b', DUE),
      scheduledDrillId('ab', '', DUE),
      scheduledDrillId('a', 'c', DUE),
      scheduledDrillId('a', 'b', new Date(DUE.getTime() + 60_000)),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(scheduledDrillId('a', 'b', DUE)).toBe(ids[0]);
  });
});
