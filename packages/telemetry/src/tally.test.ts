import { describe, expect, it } from 'vitest';
import { statementOf } from '../../../test/support/receipt-builder.ts';
import { tallyOf, tallyText } from './tally.js';

describe('the sums of a fleet', () => {
  it('are drills by result and reason, and how long phases and checks took', () => {
    const at = '2026-11-20T03:00:00.000Z';
    const check = { check_sha256: `sha256:${'0'.repeat(64)}`, expect_sha256: '' } as const;
    const { predicate } = statementOf(new Date(at), {
      result: 'fail',
      reason: 'check_failed',
      phases: [{ name: 'restore', started_at: at, duration_ms: 1500, outcome: 'done' }],
      checks: [
        { id: 'a', ...check, verdict: 'pass', duration_ms: 10 },
        { id: 'b', ...check, verdict: 'pass', duration_ms: 90_000_000 },
        { id: 'c', ...check, verdict: 'not_run' },
      ],
    });
    const sums = new Map<string, number>();
    for (const drill of [predicate, predicate])
      for (const [name, amount] of tallyOf(drill)) sums.set(name, (sums.get(name) ?? 0) + amount);
    const lines = tallyText(sums).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        '# TYPE muster_drills_total counter',
        'muster_drills_total{result="fail",reason="check_failed",kind="postgres"} 2',
        '# TYPE muster_phase_duration_seconds histogram',
        'muster_phase_duration_seconds_bucket{phase="restore",outcome="done",kind="postgres",le="1"} 0',
        'muster_phase_duration_seconds_bucket{phase="restore",outcome="done",kind="postgres",le="2.5"} 2',
        'muster_phase_duration_seconds_bucket{phase="restore",outcome="done",kind="postgres",le="+Inf"} 2',
        'muster_phase_duration_seconds_sum{phase="restore",outcome="done",kind="postgres"} 3',
        'muster_check_duration_seconds_bucket{verdict="pass",kind="postgres",le="0.01"} 2',
        'muster_check_duration_seconds_bucket{verdict="pass",kind="postgres",le="86400"} 2',
        'muster_check_duration_seconds_count{verdict="pass",kind="postgres"} 4',
      ]),
    );
  });

  it('pass over what somebody else put there', () => {
    const sums = new Map([
      ['drills|pass,none,postgres|total', Number.NaN],
      ['drills|pass"} 1\nevil{a="|total', 1],
      ['constructor|x|total', 1],
      ['x', 1],
    ]);
    expect(tallyText(sums)).toBe('');
  });
});
