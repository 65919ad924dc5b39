import { type Document, deserialize, EJSON, Int32, Long, ObjectId, serialize } from 'bson';
import { describe, expect, it } from 'vitest';
import { NotBson } from './extended-json.js';
import { questionOf, writingStage } from './summary-find.js';

const mapping = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(mapping)
    : value !== null && typeof value === 'object' && !(value instanceof Map)
      ? new Map(Object.entries(value).map(([key, inner]) => [key, mapping(inner)]))
      : value;
const find = (rest: object) =>
  new Map<string, unknown>([
    ['database', 'shop'],
    ['collection', 'orders'],
    ...(mapping(rest) as Map<string, unknown>),
  ]);
const filterOf = (filter: unknown): Document => {
  const question = questionOf(find({ filter }));
  if (question.kind !== 'aggregate') throw new Error('it asks for no documents');
  const [match] = question.pipeline;
  return deserialize(serialize(match?.['$match']), { promoteValues: false });
};
const aggregate = (...stages: object[]) => questionOf(find({ aggregate: stages }));

describe('a summary_find', () => {
  it('with a filter counts as countDocuments does', () => {
    expect(questionOf(find({ filter: { status: 'open' } }))).toEqual({
      kind: 'aggregate',
      database: 'shop',
      collection: 'orders',
      pipeline: [{ $match: new Map([['status', 'open']]) }, { $group: { _id: 1, n: { $sum: 1 } } }],
      counts: true,
    });
  });

  it('with an aggregate asks its stages', () => {
    expect(aggregate({ $match: {} }, { $limit: 1 })).toMatchObject({
      pipeline: [new Map([['$match', new Map()]]), new Map([['$limit', 1]])],
      counts: false,
    });
  });

  it('may list collections', () => {
    const question = questionOf(
      new Map<string, unknown>([
        ['database', 'shop'],
        ['list_collections', true],
      ]),
    );
    expect(question).toEqual({ kind: 'list_collections', database: 'shop' });
  });

  it('keeps the order of keys, integer-like ones too', () => {
    const filter = new Map([
      ['b', 1],
      ['10', 1],
      ['9', 1],
      ['a', 1],
    ]);
    const question = questionOf(find({ filter }));
    const bytes = serialize(question.kind === 'aggregate' ? (question.pipeline[0]?.['$match'] ?? {}) : {});
    const text = Buffer.from(bytes).toString('latin1');
    expect(['b\0', '10\0', '9\0', 'a\0'].map((key) => text.indexOf(key))).toEqual(
      ['b\0', '10\0', '9\0', 'a\0'].map((key) => text.indexOf(key)).toSorted((a, b) => a - b),
    );
  });

  it('has whole numbers as integers, however large', () => {
    expect(filterOf({ a: 1, b: -2147483648, c: 3_000_000_000 })).toEqual({
      a: new Int32(1),
      b: new Int32(-2147483648),
      c: Long.fromString('3000000000'),
    });
  });

  it('takes Extended JSON', () => {
    const filter = {
      _id: { $oid: '650f00000000000000000001' },
      at: { $gte: { $date: '2026-11-20T00:00:00Z' }, $lt: { $date: { $numberLong: '1795000000000' } } },
      big: { $numberLong: '9007199254740993' },
      price: { $gt: { $numberDecimal: '1.10' } },
      name: { $regex: '^a', $options: 'i' },
      code: { $in: [{ $numberInt: '1' }, { $numberDouble: '1.5' }] },
    };
    expect(filterOf(filter)).toMatchObject({
      _id: new ObjectId('650f00000000000000000001'),
      at: { $gte: new Date('2026-11-20T00:00:00Z'), $lt: new Date(1_795_000_000_000) },
      big: Long.fromString('9007199254740993'),
      name: { $regex: '^a', $options: 'i' },
    });
    expect(EJSON.stringify(filterOf(filter)['price'], { relaxed: false })).toBe(
      '{"$gt":{"$numberDecimal":"1.10"}}',
    );
  });

  it.each([
    [{ a: { $oid: 'x' } }],
    [{ a: { $oid: 650000000000000000000000 } }],
    [{ a: { $date: 'yesterday' } }],
    [{ a: { $date: '2026-11-20T00:00:00' } }],
    [{ a: { $date: null } }],
    [{ a: { $numberInt: '3000000000' } }],
    [{ a: { $numberLong: '9223372036854775808' } }],
    [{ a: { $numberDouble: '12x' } }],
    [{ a: { $numberDouble: 'infinity' } }],
    [{ a: { $numberDecimal: 'x' } }],
    [[]],
    ['status'],
    [{ $oid: '650f00000000000000000001' }],
  ])('that cannot be BSON is refused: %j', (filter) => {
    expect(() => questionOf(find({ filter }))).toThrow(NotBson);
  });

  it('is known to write by its stages', () => {
    expect(writingStage(aggregate({ $match: {} }, { $out: 'x' }))).toBe('$out');
    expect(writingStage(aggregate({ $merge: { into: 'x' } }))).toBe('$merge');
    expect(writingStage(aggregate({ $group: { _id: null, $outs: 1 } }))).toBeUndefined();
  });
});
