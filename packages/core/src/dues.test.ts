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

  it.each([
    ['30 2 * * *', ['01:30'], ['00:30']],
    ['*/20 2 * * *', ['01:00'], ['00:00', '00:20', '00:40']],
    ['0 2,3 * * *', ['01:00'], ['00:00', '02:00']],
    ['0 * * * *', ['00:00', '01:00', '02:00'], ['00:00', '01:00', '02:00']],
    ['*/30 1-3 * * *', ['00:00', '00:30', '01:00', '01:30'], ['00:00', '00:30', '02:00', '02:30']],
  ])('by %s are each once on the days on which the clocks of Paris change', (cron, forward, back) => {
    const on = (day: string) => {
      const before = new Date(Date.parse(`${day}T00:00:00Z`) - 1).toISOString();
      const all = dues(cron, 'Europe/Paris', before, `${day}T02:30:00Z`);
      return all.map((due) => due.slice(11, 16));
    };
    expect(on('2027-03-28')).toEqual(forward);
    expect(on('2027-10-31')).toEqual(back);
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
