import { expect, it } from 'vitest';
import type { FidelityRecord } from './fidelity.js';
import { fidelityFaults } from './fidelity-faults.js';
import type { Predicate } from './statement.js';

const phase = (name: 'restore' | 'compare') =>
  ({ name, started_at: '2026-11-21T00:00:00.000Z', duration_ms: 1, outcome: 'done' }) as const;
const COMPARED = { tables: 1, rows: '5', contents: 1, sequences: 0, objects: 0, sentinels: 0 };
const EQUAL: FidelityRecord = { verdict: 'equal', level: 'full', compared: COMPARED };
const DIFFERENT: FidelityRecord = {
  ...EQUAL,
  verdict: 'different',
  differences: [{ database: 'd', what: 'table', name: 't', difference: 'rows', expected: '5', found: '4' }],
};
const FAIL = { result: 'fail', reason: 'fidelity_different' } as const;
const faults = (fidelity: FidelityRecord | undefined, changes: Partial<Predicate> = {}): string[] => {
  const said = { result: 'pass', checks: [], phases: [phase('restore'), phase('compare')] };
  return fidelityFaults({ ...said, ...(fidelity && { fidelity }), ...changes } as unknown as Predicate);
};
const RESTORED = { phases: [phase('restore')] };

it.each<[string, FidelityRecord | undefined, Partial<Predicate>]>([
  ['a pass of what is equal', EQUAL, {}],
  ['a fail of what is different', DIFFERENT, FAIL],
  ['a pass of what could not be compared', { verdict: 'unavailable', reason: 'no_manifest' }, RESTORED],
  ['no word of it', undefined, RESTORED],
])('%s is consistent', (_, fidelity, changes) => expect(faults(fidelity, changes)).toEqual([]));

it.each<[string, FidelityRecord | undefined, Partial<Predicate>]>([
  ['a pass of what is different', DIFFERENT, {}],
  ['a fail for what is equal', EQUAL, FAIL],
  ['a fail for what is not told', undefined, { ...FAIL, ...RESTORED }],
  ['a comparison that nobody made', EQUAL, RESTORED],
  ['a comparison of what was not restored', EQUAL, { phases: [phase('compare')] }],
  ['a comparison of which nothing is told', undefined, {}],
  ['an equality with differences', { ...DIFFERENT, verdict: 'equal' }, {}],
  ['an equality of nothing', { ...EQUAL, compared: { ...COMPARED, tables: 0, rows: '0', contents: 0 } }, {}],
  ['a difference without differences', { ...EQUAL, verdict: 'different' }, FAIL],
  ['what could not be compared, without a reason', { verdict: 'unavailable' }, RESTORED],
  ['what could not be compared, and was', { ...EQUAL, verdict: 'unavailable', reason: 'budget' }, {}],
  ['contents of a level that has none', { ...EQUAL, level: 'counts' }, {}],
  ['more differences beyond few', { ...DIFFERENT, more: 1 }, FAIL],
  [
    'another count of rows that is the same',
    {
      ...EQUAL,
      verdict: 'different',
      differences: [
        { database: 'd', what: 'table', name: 't', difference: 'rows', expected: '5', found: '5' },
      ],
    },
    FAIL,
  ],
])('%s is inconsistent', (_, fidelity, changes) => expect(faults(fidelity, changes)).not.toEqual([]));
