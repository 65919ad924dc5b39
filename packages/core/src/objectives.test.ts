import { describe, expect, it } from 'vitest';
import { judgeObjectives, type Measured, measuredRpo } from './objectives.js';
import type { RecoveryRecord } from './statement.js';

const HOUR_MS = 3_600_000;
const promised = { enforce: 'rpo', rpo_s: 3600 } as const;
const replayed = (kind: RecoveryRecord['target']['kind'], commits: object): Measured => ({
  phases: [{ name: 'locate', started_at: '2026-11-20T12:00:00.000Z', duration_ms: 5, outcome: 'done' }],
  backup: { id: 's', format: 'pgbackrest-full', location: 'l' },
  newest_backup: { id: 's', created_at: '2026-11-20T00:00:00.000Z', created_at_from: 'header' },
  recovery: { target: { kind }, reached: true, proof: 'one_side', ...commits },
});
const LATE = '2026-11-20T11:30:00.000000Z';
const EARLY = '2026-11-20T03:00:00.000000Z';

describe('the rpo where WAL was replayed', () => {
  it.each([
    ['the last commit of all WAL', replayed('latest', { last_commit_before: LATE }), 0.5, true],
    ['a last commit that is too old', replayed('latest', { last_commit_before: EARLY }), 9, false],
    ['the newest set where nothing was committed after it', replayed('latest', {}), 12, false],
    ['a commit that is known beyond the target', replayed('time', { first_commit_after: LATE }), 0.5, true],
    ['not judged by a target before the end', replayed('time', { last_commit_before: EARLY }), 9, undefined],
    ['not judged by a set alone', replayed('immediate', {}), 12, undefined],
  ])('is that of %s', (_, measured, hours, met) => {
    expect(measuredRpo(measured)).toBe(hours * HOUR_MS);
    expect(judgeObjectives(promised, measured).rpo_met).toBe(met);
  });

  it('is not judged where the recovery did not come to its end', () => {
    const { recovery: _, ...failed } = replayed('latest', {});
    expect(judgeObjectives(promised, failed).rpo_met).toBeUndefined();
  });
});
