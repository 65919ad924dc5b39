import type { Attempt, Statement } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { againAfter, triesOf } from './tries.js';

const attempt = (outcome: Attempt['outcome']): Attempt => ({
  worker: 'w',
  started_at: '2026-11-20T03:00:00.000Z',
  outcome,
});
const ended = (result: 'pass' | 'fail' | 'error', reason?: string) =>
  ({ predicate: { result, reason } }) as unknown as Statement;

describe('a drill is tried again', () => {
  it('after 30 s and after 2 min, where the infrastructure was at fault, and three times in all', () => {
    const fault = ended('error', 'launch_failed');
    expect(againAfter(fault, [])).toBe(30_000);
    expect(againAfter(fault, [attempt('error')])).toBe(120_000);
    expect(againAfter(fault, [attempt('lost'), attempt('error')])).toBeUndefined();
  });

  it('never where the backup is bad, where it passed, or where another try would meet the same', () => {
    expect(againAfter(ended('fail', 'corrupt'), [])).toBeUndefined();
    expect(againAfter(ended('pass'), [])).toBeUndefined();
    expect(againAfter(ended('error', 'cancelled'), [])).toBeUndefined();
  });

  it('without counting the times that it was given back', () => {
    expect(triesOf([attempt('returned'), attempt('lost'), attempt('returned')])).toBe(1);
  });
});
