import { describe, expect, it } from 'vitest';
import { madeAt, timeInName } from './made-at.js';

const mtime = new Date('2026-11-20T03:10:00Z');

describe('madeAt', () => {
  it('believes the header before the name, and the name before the file', () => {
    const header = new Date('2026-11-20T03:00:00Z');
    const name = 'shop_20261120T020000Z.dump';
    expect(madeAt({ header, name, mtime })).toEqual({ at: header, from: 'header' });
    expect(madeAt({ header: undefined, name, mtime })).toEqual({
      at: new Date('2026-11-20T02:00:00Z'),
      from: 'name',
    });
    expect(madeAt({ header: undefined, name: 'shop.dump', mtime })).toEqual({ at: mtime, from: 'mtime' });
  });

  it('does not believe a header or a name later than the file itself', () => {
    const header = new Date('2026-11-20T05:00:00Z');
    expect(madeAt({ header, name: 'shop_20991231.dump', mtime })).toEqual({ at: mtime, from: 'mtime' });
  });
});

describe('timeInName', () => {
  it.each([
    ['shop_20261120T030405Z.dump', '2026-11-20T03:04:05.000Z'],
    ['shop-2026-11-20_03-04.sql.gz', '2026-11-20T03:04:00.000Z'],
    ['2026-11-20.tar', '2026-11-20T00:00:00.000Z'],
    ['prod_20261120_030405.dump', '2026-11-20T03:04:05.000Z'],
  ])('reads %s', (name, iso) => expect(timeInName(name)?.toISOString()).toBe(iso));

  it.each(['shop.dump', 'order-9020261120.dump', '2026-02-31.sql', 'v15.2.dump'])(
    'finds no date in %s',
    (name) => expect(timeInName(name)).toBeUndefined(),
  );
});
