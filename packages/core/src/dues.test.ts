import { describe, expect, it } from 'vitest';
import { duesBetween, jitterOf } from './dues.js';

const dues = (cron: string, tz: string, after: string, until: string) =>
  [...duesBetween({ cron, tz }, new Date(after), new Date(until))].map((due) => due.toISOString());

describe('the due times of a schedule', () => {
  it('are those after the first moment, up to and with the last', () => {
    expect(dues('0 3 * * *', 'UTC', '2026-01-01T03:00:00Z', '2026-01-03T03:00:00Z')).toEqual([
      '2026-01-02T03:00:00.000Z',
      '2026-01-03T03:00:00.000Z',
    ]);
    expect(dues('0 3 * * *', 'UTC', '2026-01-01T03:00:00Z', '2026-01-01T03:00:00Z')).toEqual([]);
  });

  it('are one on the day that has the hour not at all, and one on the day that has it twice', () => {
    expect(dues('30 2 * * *', 'Europe/Paris', '2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z')).toHaveLength(
      1,
    );
    expect(dues('30 2 * * *', 'Europe/Paris', '2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z')).toHaveLength(
      1,
    );
  });

  it('can be taken a few at a time from a schedule that is due for ever', () => {
    const [first] = duesBetween({ cron: '* * * * *', tz: 'UTC' }, new Date(0), new Date(8e15));
    expect(first).toEqual(new Date(60_000));
  });
});

describe('the jitter of a source', () => {
  it('is the same each time, and less than the most that is allowed', () => {
    for (const slug of ['a', 'b', 'shop']) {
      expect(jitterOf(slug, { jitterMs: 1000 })).toBe(jitterOf(slug, { jitterMs: 1000 }));
      expect(jitterOf(slug, { jitterMs: 1000 })).toBeLessThan(1000);
    }
    expect(jitterOf('a', { jitterMs: 0 })).toBe(0);
  });
});
