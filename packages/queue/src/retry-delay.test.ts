import { describe, expect, it } from 'vitest';
import { retryDelay } from './retry-delay.js';
import { tickJobId, tickOf } from './tick-job-id.js';

describe('a job that failed', () => {
  it('comes again after 1 s, then later and later, and never later than 30 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1_000_000].map(retryDelay)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });
});

describe('the job of a tick', () => {
  it('tells its tick by its id', () => {
    const tick = { slug: 'shop', schedule: 'nightly', due: new Date('2026-11-20T03:00:00.000Z') };
    expect(tickOf(tickJobId(tick))).toEqual(tick);
  });

  it.each(['shop/nightly', 'repeat:shop:1', 'repeat:shop/nightly:', '17'])('is not %s', (id) => {
    expect(tickOf(id)).toBeUndefined();
  });
});
