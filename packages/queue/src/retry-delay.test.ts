import { describe, expect, it } from 'vitest';
import { retryDelay } from './retry-delay.js';
import { dueOf, tickJobId } from './tick-job-id.js';

describe('a job that failed', () => {
  it('comes again after 1 s, then later and later, and never later than 30 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1_000_000].map(retryDelay)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });
});

describe('the job of a tick', () => {
  it('holds its due time in its id', () => {
    const due = new Date('2026-11-20T03:00:00.000Z');
    expect(dueOf(tickJobId({ slug: 'shop', schedule: 'nightly', due }))).toEqual(due);
  });

  it('whose id is of another form is refused', () => {
    expect(() => dueOf('shop/nightly')).toThrow('holds no due time');
  });
});
