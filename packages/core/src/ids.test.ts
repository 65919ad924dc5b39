import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DRILL_ID, drillTime, newDrillId, planKey, receiptKey } from './ids.js';

const id = newDrillId(new Date('2026-01-02T23:59:59.999Z'), () => 0);

/** Of the last year whose ULIDs begin with no more than 75. */
const LAST = Date.UTC(9983, 0) - 1;

describe('a drill id', () => {
  it('holds its time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LAST }), (time) => {
        const made = newDrillId(new Date(time));
        expect(made).toMatch(DRILL_ID);
        expect(drillTime(made).getTime()).toBe(time);
      }),
    );
  });

  it('is another one each time', () => {
    const now = new Date();
    expect(newDrillId(now)).not.toBe(newDrillId(now));
  });

  it.each([
    '',
    'drl_',
    id.toLowerCase(),
    `${id}0`,
    id.slice(4),
    `drl_8${'0'.repeat(25)}`,
    `drl_76${'0'.repeat(24)}`,
  ])('is not %j', (text) => {
    expect(() => drillTime(text)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('the key of a plan or receipt', () => {
  it('has the date of the id, in UTC', () => {
    expect(planKey('shop', id)).toBe(`plans/shop/2026/01/02/${id}.json`);
    expect(receiptKey('shop', id)).toBe(`receipts/shop/2026/01/02/${id}.sigstore.json`);
  });

  it.each(['', '../shop', 'a/b', 'Shop'])('is not made for the slug %j', (slug) => {
    expect(() => planKey(slug, id)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
