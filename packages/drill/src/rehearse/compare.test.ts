import { describe, expect, it } from 'vitest';
import { compareRecorded, type Recorded } from './compare.js';

const recorded = (rows: Readonly<Record<string, string>>, more: Partial<Recorded> = {}): Recorded => ({
  rows: new Map(Object.entries(rows)),
  sentinels: [],
  ...more,
});

describe('what came back, beside what was there', () => {
  it('is equal thing by thing', () => {
    const one = recorded({ a: '1' }, { version: { value: 'v1' }, sentinels: [{ table: 'a', count: 1 }] });
    expect(compareRecorded(one, one)).toEqual([
      { what: 'schema_version', name: 'version', before: 'v1', after: 'v1', equal: true },
      { what: 'row_count', name: 'a', before: '1', after: '1', equal: true },
      { what: 'sentinel', name: 'a #1', before: '1', after: '1', equal: true },
    ]);
  });

  it('differs by a lost table, one too many, a lost row, another version', () => {
    const before = recorded(
      { a: '1', lost: '0' },
      { version: { value: 'v1' }, sentinels: [{ table: 'a', count: 1 }] },
    );
    const after = recorded(
      { a: '2', new: '0' },
      { version: { value: 'v2' }, sentinels: [{ table: 'a', count: 0 }] },
    );
    expect(compareRecorded(before, after).filter(({ equal }) => equal)).toEqual([]);
    expect(compareRecorded(before, after)).toHaveLength(5);
  });

  it('has what differs first where a receipt cannot name all', () => {
    const rows = Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`t${n}`, '1']));
    const [first, ...rest] = compareRecorded(recorded(rows), recorded({ ...rows, t9999: '2' }));
    expect(first).toMatchObject({ name: 't9999', equal: false });
    expect(rest).toHaveLength(9_999);
  });
});
