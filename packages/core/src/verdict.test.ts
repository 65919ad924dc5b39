import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckVerdict, rollUp } from './verdict.js';

describe('the roll-up of checks', () => {
  it.each<[CheckVerdict[], string]>([
    [[], 'pass'],
    [['pass', 'pass'], 'pass'],
    [['pass', 'error'], 'error'],
    [['not_run', 'pass'], 'error'],
    [['error', 'not_run', 'fail', 'pass'], 'fail'],
  ])('%j is %s', (verdicts, result) => {
    expect(rollUp(verdicts)).toBe(result);
  });

  it('does not depend on their order, and is a pass only of passes', () => {
    const verdicts = fc.array(fc.constantFrom<CheckVerdict>('pass', 'fail', 'error', 'not_run'));
    fc.assert(
      fc.property(verdicts, (list) => {
        expect(rollUp(list.toReversed())).toBe(rollUp(list));
        expect(rollUp(list) === 'pass').toBe(list.every((verdict) => verdict === 'pass'));
      }),
    );
  });
});
