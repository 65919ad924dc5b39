import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckVerdict, failedReason, rollUp } from './verdict.js';

describe('the reason of failed checks', () => {
  const early = { verdict: 'fail', reason: 'not_absent' } as const;
  const failed = { verdict: 'fail', reason: 'null_value' } as const;
  const passed = { verdict: 'pass' } as const;
  it('is the worse of them', () => {
    expect(failedReason([passed, early])).toBe('not_absent');
    expect(failedReason([early, failed])).toBe('check_failed');
    expect(failedReason([passed, { verdict: 'error', reason: 'timeout' }])).toBeUndefined();
  });
});

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
