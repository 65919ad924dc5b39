import type { CheckRecord, PhaseRecord } from '@muster/core';
import { openSpan } from '@muster/telemetry';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { samplePlan } from '../../../test/support/sample-plan.ts';
import { tracedInMemory } from '../../../test/support/traced-in-memory.ts';
import type { DrillEvent } from './drill-event.js';
import { createDrillSpans } from './drill-spans.js';

const phase = (name: PhaseRecord['name'], outcome: PhaseRecord['outcome'] = 'done'): PhaseRecord => ({
  name,
  started_at: '2026-11-20T03:00:00.000Z',
  duration_ms: 1500,
  outcome,
});
const check = (id: string, rest: Partial<CheckRecord>): CheckRecord => ({
  id,
  check_sha256: 'sha256:hunter2',
  expect_sha256: '',
  verdict: 'pass',
  summary: { email: 'hunter2' },
  duration_ms: 250,
  ...rest,
});

describe('the spans of a try', () => {
  let traced: ReturnType<typeof tracedInMemory>;
  beforeAll(() => {
    traced = tracedInMemory();
  });
  afterEach(() => traced.reset());
  afterAll(() => traced.close());

  const told = (...events: readonly DrillEvent[]) => {
    const counted: string[] = [];
    const attempt = openSpan('drill attempt');
    const spans = createDrillSpans(samplePlan(), attempt, {
      drillEnded: () => {},
      phaseEnded: (kind, { name }) => void counted.push(`${kind} ${name}`),
      checkEnded: (kind, { verdict }) => void counted.push(`${kind} ${verdict}`),
    });
    for (const event of events) spans.observe(event);
    const beforeTheEnd = traced.spans().map(({ name }) => name);
    spans.close();
    attempt.end();
    return { counted, beforeTheEnd, tree: traced.tree() };
  };

  it('are its phases, the checks in them, and the signing; each is exported when it ended', () => {
    const { tree, counted, beforeTheEnd } = told(
      { type: 'phase-started', phase: 'restore' },
      { type: 'phase-ended', phase: phase('restore') },
      { type: 'phase-started', phase: 'check' },
      { type: 'check-started', id: 'a' },
      { type: 'check-ended', check: check('a', {}) },
      { type: 'check-started', id: 'b' },
      { type: 'check-ended', check: check('b', { verdict: 'fail', reason: 'expectation_not_met' }) },
      { type: 'phase-ended', phase: phase('check') },
      { type: 'judged', result: 'fail', reason: 'check_failed', message: 'hunter2' },
    );
    expect(tree).toEqual([
      'drill attempt: check_failed',
      '  restore',
      '  check',
      '    check a',
      '    check b: expectation_not_met',
      '  sign',
    ]);
    expect(beforeTheEnd).toEqual(['restore', 'check a', 'check b', 'check']);
    expect(counted).toEqual(['postgres restore', 'postgres pass', 'postgres fail', 'postgres check']);
  });

  it('say which drill they are of, and nothing that a database or a tool said', () => {
    told(
      { type: 'planned', drillId: 'drl_1', source: 'shop', checks: ['a'] },
      { type: 'phase-started', phase: 'check' },
      { type: 'located', backup: 'hunter2', location: 'hunter2' },
      { type: 'check-started', id: 'a' },
      { type: 'check-ended', check: check('a', {}) },
      { type: 'phase-ended', phase: phase('check') },
      { type: 'judged', result: 'pass' },
    );
    for (const { name, attributes } of traced.spans().filter((one) => one.name !== 'drill attempt')) {
      expect(attributes, name).toMatchObject({
        'muster.drill.id': expect.stringMatching(/^drl_/),
        'muster.source': 'shop',
        'muster.pool': 'default',
        'db.system.name': 'postgresql',
      });
    }
    expect(
      JSON.stringify(traced.spans().map(({ name, attributes, events }) => [name, attributes, events])),
    ).not.toContain('hunter2');
  });

  it('end with the phase that was cut short, and say why by a code', () => {
    const { tree } = told(
      { type: 'phase-started', phase: 'check' },
      { type: 'check-started', id: 'slow' },
      { type: 'phase-ended', phase: phase('check', 'failed'), code: 'time_limit' },
      { type: 'phase-started', phase: 'destroy' },
      { type: 'phase-ended', phase: phase('destroy') },
      { type: 'judged', result: 'error', reason: 'time_limit' },
    );
    expect(tree).toEqual([
      'drill attempt: time_limit',
      '  check: time_limit',
      '    check slow: time_limit',
      '  destroy',
      '  sign',
    ]);
  });
});
