import { type CheckRecord, MusterError, type Source } from '@muster/core';
import { describe, expect, it } from 'vitest';
import type { Seen } from './seen.js';
import { judgeDrill } from './statement.js';

const ids = ['a', 'b'];
const source = {
  checks: ids.map((id) => ({ id, expect: 'n > 0', question: { kind: 'postgres', summarySql: id } })),
} as unknown as Source;
const seen = (...verdicts: CheckRecord['verdict'][]): Seen => ({
  checks: verdicts.map((verdict, index) => ({ id: ids[index], verdict }) as CheckRecord),
});

describe('the verdict of a drill', () => {
  it('is the roll-up of its checks', () => {
    expect(judgeDrill(seen('pass', 'pass'), source)).toEqual({ result: 'pass' });
    expect(judgeDrill(seen('error', 'fail'), source)).toEqual({ result: 'fail', reason: 'check_failed' });
    expect(judgeDrill(seen('pass', 'error'), source)).toEqual({ result: 'error', reason: 'check_error' });
  });

  it('is never a pass when a check did not run', () => {
    expect(judgeDrill(seen('pass'), source)).toEqual({ result: 'error', reason: 'check_error' });
  });

  it('tells a bad backup from one that could not be tested', () => {
    const bad = { ...seen(), fault: new MusterError('truncated', 'x') };
    const untested = { ...seen(), fault: new MusterError('image_unavailable', 'x') };
    expect(judgeDrill(bad, source)).toEqual({ result: 'fail', reason: 'truncated' });
    expect(judgeDrill(untested, source)).toEqual({ result: 'error', reason: 'image_unavailable' });
  });

  it('stays a fail when the scratch is lost after a check failed', () => {
    const lost = { ...seen('fail'), fault: new MusterError('scratch_lost', 'x') };
    expect(judgeDrill(lost, source)).toEqual({ result: 'fail', reason: 'check_failed' });
  });

  it('is a fail where it would be a pass, and an objective that is enforced was missed', () => {
    const missed = { enforce: 'rpo', rpo_s: 60, rpo_met: false } as const;
    const result = { result: 'fail', reason: 'rpo_missed' };
    expect(judgeDrill(seen('pass', 'pass'), source, missed)).toEqual(result);
    expect(judgeDrill(seen('pass', 'error'), source, missed)).toEqual(result);
    expect(judgeDrill(seen('fail', 'pass'), source, missed)).toMatchObject({ reason: 'check_failed' });
    expect(judgeDrill(seen('pass', 'pass'), source, { ...missed, enforce: 'none' })).toEqual({
      result: 'pass',
    });
  });

  it('is not that of an objective where the drill did not come to its end: it is tried again', () => {
    const lost = { ...seen('pass'), fault: new MusterError('scratch_lost', 'x') };
    const missed = { enforce: 'all', rpo_s: 60, rpo_met: false } as const;
    expect(judgeDrill(lost, source, missed)).toEqual({ result: 'error', reason: 'scratch_lost' });
  });

  it('calls a place that makes no scratch a launch that failed', () => {
    const nowhere = { ...seen(), fault: new MusterError('state_unwritable', 'x') };
    expect(judgeDrill(nowhere, source)).toEqual({ result: 'error', reason: 'launch_failed' });
  });

  it('calls a code that is no reason an internal error', () => {
    const odd = { ...seen(), fault: new MusterError('key_invalid', 'x') };
    expect(judgeDrill(odd, source)).toEqual({ result: 'error', reason: 'internal_error' });
  });
});
