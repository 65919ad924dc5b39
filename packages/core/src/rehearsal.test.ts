import { describe, expect, it } from 'vitest';
import {
  newRehearsalId,
  REHEARSAL_PHASES,
  REHEARSAL_TYPE,
  type RehearsalPredicate,
  type RehearsalStatement,
  rehearsalFaults,
  rehearsalKey,
  rehearsalStatementSchema,
} from './rehearsal.js';
import { STATEMENT_TYPE } from './statement.js';

const NOW = new Date('2026-11-21T10:00:00.000Z');
const ID = newRehearsalId(NOW, () => 0);
const sha = 'a'.repeat(64);

const statement = (changes: Partial<RehearsalPredicate> = {}): RehearsalStatement => ({
  _type: STATEMENT_TYPE,
  subject: [{ name: 'quiz.dump', digest: { sha256: sha } }],
  predicateType: REHEARSAL_TYPE,
  predicate: {
    rehearsal_id: ID,
    source: { slug: 'quiz', kind: 'postgres' },
    started_at: NOW.toISOString(),
    ended_at: NOW.toISOString(),
    result: 'pass',
    restore_success: true,
    backup: { id: 'quiz.dump', sha256: `sha256:${sha}`, size_bytes: 1, format: 'custom', encrypted: false },
    comparisons: [{ what: 'row_count', name: 'users', before: '1', after: '1', equal: true }],
    phases: REHEARSAL_PHASES.map((name) => ({ name, duration_ms: 1, outcome: 'done' })),
    muster: { version: '1' },
    ...changes,
  },
});

describe('the statement of a rehearsal', () => {
  it('lies beside the receipts of drills, and never among them', () => {
    expect(rehearsalKey('quiz', ID)).toBe(`rehearsals/quiz/2026/11/21/${ID}.sigstore.json`);
  });

  it('that is whole agrees with itself', () => {
    const whole = rehearsalStatementSchema.parse(statement());
    expect(rehearsalFaults(whole)).toEqual([]);
  });

  it.each<[string, Partial<RehearsalPredicate>]>([
    ['a pass that is no success', { restore_success: false }],
    [
      'a pass in which something differs',
      { comparisons: [{ what: 'row_count', name: 'u', before: '1', equal: false }] },
    ],
    [
      'what is called equal, and is not',
      { comparisons: [{ what: 'row_count', name: 'u', before: '1', after: '2', equal: true }] },
    ],
    ['a pass of which a phase is missing', { phases: [] }],
    ['a fail without a reason', { result: 'fail', restore_success: false }],
    ['an end before its beginning', { ended_at: '2026-11-21T09:59:59.000Z' }],
  ])('contradicts itself: %s', (_, changes) => {
    expect(rehearsalFaults(statement(changes))).not.toEqual([]);
  });
});
