import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSha256, expectSha256 } from './check-hash.js';

const ofSql = (summarySql: string) => checkSha256({ question: { kind: 'postgres', summarySql } });
const ofFind = (...entries: [string, unknown][]) =>
  checkSha256({ question: { kind: 'mongodb', summaryFind: new Map(entries) } });

describe('the hash of a check', () => {
  it('is that of the vectors', () => {
    expect(ofSql('SELECT COUNT(*) AS n FROM currencies\n')).toBe(
      'sha256:bceae1920e079fc3eba5a724b0ea86df7b074ddad98f87c53297dd7a8b0c0a6c',
    );
    expect(ofSql('SELECT COUNT(*) AS n FROM currencies')).toBe(
      'sha256:30dae7495643b9548665066c7cc846875f9cf677104325a5fdf76cfd641bf543',
    );
    expect(
      ofFind(['database', 'app'], ['filter', new Map([['status', 'open']])], ['collection', 'orders']),
    ).toBe('sha256:f7e52908cb8fb068fc55c468dc3cf5b4b6f8ddf287358ed4b2fc8b9120126225');
    expect(ofFind(['list_collections', true], ['database', 'app'])).toBe(
      'sha256:90b06cab050cdb0a73f965908d2d7fba311469d34db85acc4a957f98dde9722e',
    );
    expect(expectSha256('n > 100')).toBe(
      'sha256:c4b95963c5f02c275e72e4bc1a905ef4e7dbb9bef076e8100cb6caa1f280a409',
    );
  });

  it('does not depend on the order of keys at the top', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.jsonValue().map(mapped)), {
      selector: ([key]) => key,
    });
    fc.assert(
      fc.property(entries, (written) => {
        expect(ofFind(...written.toReversed())).toBe(ofFind(...written));
      }),
    );
  });

  it('depends on the order of keys below the top, integer-like ones too', () => {
    const keys = fc.uniqueArray(fc.oneof(fc.string(), fc.nat(99).map(String)), { minLength: 2 });
    fc.assert(
      fc.property(keys, (names) => {
        const sort = (order: string[]) => ofFind(['filter', [new Map(order.map((name) => [name, 1]))]]);
        expect(sort(names.toReversed())).not.toBe(sort(names));
      }),
    );
  });

  it('is over numbers and strings as RFC 8785 writes them', () => {
    const written = '{"a":[1e+21,1e-7,0,-1.5,"\\u0007\\n€\\"/"]}';
    expect(ofFind(['a', [1e21, 0.0000001, -0, -1.5, '\u0007\n€"/']])).toBe(ofSql(written));
  });
});

function mapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapped);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, mapped(item)]));
}
