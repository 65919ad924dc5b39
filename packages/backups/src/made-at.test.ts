import { describe, expect, it } from 'vitest';
import { madeAt, timeInName } from './made-at.js';

const mtime = new Date('2026-11-20T03:10:00Z');

describe('madeAt', () => {
  it('believes the header before the name, and the name before the file', () => {
    const header = new Date('2026-11-20T03:00:00Z');
    const name = 'shop_20261120_020000.dump';
    expect(madeAt({ header, name, mtime })).toEqual({ at: header, from: 'header' });
    expect(madeAt({ header: undefined, name, mtime })).toEqual({
      at: new Date('2026-11-20T02:00:00Z'),
      from: 'name',
    });
    expect(madeAt({ header: undefined, name: 'shop.dump', mtime })).toEqual({ at: mtime, from: 'mtime' });
  });

  it.each([
    ['behind UTC', '2026-11-19T22:00:03Z', 'shop_20261120T030000Z.dump'],
    ['ahead of UTC', '2026-11-20T08:45:03Z', 'shop_2026-11-20_03-00-00Z.dump'],
    ['of the name', '2026-11-20T04:00:03Z', 'shop_2026-11-20T04:00:00+01:00.dump'],
  ])('knows a header in a zone %s by a name that says its own', (_zone, header, name) =>
    expect(madeAt({ header: new Date(header), zoneless: true, name, mtime })).toEqual({
      at: new Date('2026-11-20T03:00:03Z'),
      from: 'header',
    }),
  );

  it('does not take the date of something else in a name for that of the header', () => {
    const header = new Date('2026-11-20T03:00:00Z');
    expect(madeAt({ header, zoneless: true, name: 'since_20250101T000000Z.dump', mtime })).toEqual({
      at: header,
      from: 'header',
    });
  });

  it('reads headers and names that do not say their zone in the one that is named', () => {
    const zone = 'America/New_York';
    const header = new Date('2026-11-19T22:00:03Z');
    const at = new Date('2026-11-20T03:00:03Z');
    expect(madeAt({ header, zoneless: true, name: 'shop.dump', mtime, zone })).toEqual({
      at,
      from: 'header',
    });
    expect(madeAt({ header, name: 'shop.dump', mtime, zone })).toEqual({ at: header, from: 'header' });
    const name = 'shop_20261119_220003.sql';
    expect(madeAt({ header: undefined, name, mtime, zone })).toEqual({ at, from: 'name' });
    const said = 'shop_20261120T030003Z.sql';
    expect(madeAt({ header: undefined, name: said, mtime, zone })).toEqual({ at, from: 'name' });
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
    ['shop_20261120T030405-0130.dump', '2026-11-20T04:34:05.000Z'],
    ['prod_20261120_030405.dump', '2026-11-20T03:04:05.000Z'],
  ])('reads %s', (name, iso) => expect(timeInName(name)?.toISOString()).toBe(iso));

  it.each(['shop.dump', 'order-9020261120.dump', '2026-02-31.sql', 'v15.2.dump'])(
    'finds no date in %s',
    (name) => expect(timeInName(name)).toBeUndefined(),
  );
});
