import type { SummaryValue } from '@muster/core';
import {
  Binary,
  BSONRegExp,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  ObjectId,
  serialize,
  Timestamp,
} from 'bson';
import { describe, expect, it } from 'vitest';
import { summaryRow } from './value.js';

const row = (document: Document, column = 'n') =>
  summaryRow(serialize(document, { ignoreUndefined: false }), column).columns.map(
    ({ name, value }) => [name, value] as const,
  );
const value = (one: unknown): SummaryValue | undefined => row({ n: one })[0]?.[1];
const number = (text: string) => ({ kind: 'number', text });

describe('a value of a document', () => {
  it.each([
    [new Int32(-7), '-7'],
    [Long.fromString('9007199254740993'), '9007199254740993'],
    [Long.MIN_VALUE, '-9223372036854775808'],
    [new Double(0.1), '0.1'],
    [new Double(73859.36), '73859.36'],
    [new Double(1e21), '1e+21'],
    [Decimal128.fromString('73859.360'), '73859.360'],
    [
      Decimal128.fromString('9.999999999999999999999999999999999E+6144'),
      '9.999999999999999999999999999999999E+6144',
    ],
  ])('of a number keeps its digits: %s', (one, text) => {
    expect(value(one)).toEqual(number(text));
  });

  it.each([
    [new Double(Number.NaN), 'NaN'],
    [new Double(Number.NEGATIVE_INFINITY), '-Infinity'],
    [Decimal128.fromString('NaN'), 'NaN'],
    [Decimal128.fromString('Infinity'), 'Infinity'],
  ])('that is no finite number says so: %s', (one, text) => {
    expect(value(one)).toEqual({ kind: 'non_finite', text });
  });

  it('of a string, a boolean or nothing is that', () => {
    expect(value('5')).toEqual({ kind: 'string', text: '5' });
    expect(value(false)).toEqual({ kind: 'boolean', value: false });
    expect(value(null)).toEqual({ kind: 'null' });
  });

  it.each([
    [new Date('2026-11-20T09:00:00.123Z'), 'date', '{"$date":"2026-11-20T09:00:00.123Z"}'],
    [new ObjectId('650f00000000000000000001'), 'objectId', '{"$oid":"650f00000000000000000001"}'],
    [new Binary(new Uint8Array([1, 2])), 'binData', '{"$binary":{"base64":"AQI=","subType":"00"}}'],
    [new BSONRegExp('^a', 'i'), 'regex', '{"$regularExpression":{"pattern":"^a","options":"i"}}'],
    [new Timestamp({ t: 1, i: 2 }), 'timestamp', '{"$timestamp":{"t":1,"i":2}}'],
    [new MaxKey(), 'maxKey', '{"$maxKey":1}'],
    [[1, 'a', null], 'array', '[1,"a",null]'],
  ])('of any other type is Extended JSON: %s', (one, type, text) => {
    expect(value(one)).toEqual({ kind: 'other', type, text });
  });

  it.each([-9223372036854775808n, 8640000000000001n, 9223372036854775807n])(
    'of a date beyond those of JavaScript keeps its digits: %i',
    (milliseconds) => {
      const bytes = serialize({ n: new Date(0) });
      new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(7, milliseconds, true);
      expect(summaryRow(bytes, 'n').columns[0]?.value).toMatchObject({
        type: 'date',
        text: `{"$date":{"$numberLong":"${milliseconds}"}}`,
      });
    },
  );

  it('that is no text is none, and spares the columns beside it', () => {
    const bytes = serialize({ s: '~', o: { s: '~' }, n: 1 }).map((byte) => (byte === 0x7e ? 0xff : byte));
    expect(summaryRow(bytes, 'n').columns.map(({ value }) => value)).toMatchObject([
      { kind: 'other', type: 'string of invalid content' },
      { kind: 'other', type: 'object of invalid content' },
      number('1'),
    ]);
  });

  it('within a document keeps its place and its digits', () => {
    const inner = new Map<string, unknown>([
      ['b', Long.fromString('9007199254740993')],
      ['2', new Date(0)],
      ['1', [Decimal128.fromString('1.10')]],
    ]);
    expect(value(inner)).toEqual({
      kind: 'other',
      type: 'object',
      text: '{"b":{"$numberLong":"9007199254740993"},"2":{"$date":"1970-01-01T00:00:00Z"},"1":[{"$numberDecimal":"1.10"}]}',
    });
  });
});

describe('a row', () => {
  it('has the columns of its document in their order, integer-like and odd ones too', () => {
    const columns = ['z', '10', '9', '__proto__', 'ü', ''];
    expect(row(new Map(columns.map((name) => [name, 1]))).map(([name]) => name)).toEqual(columns);
  });

  it('has a field twice where its document has', () => {
    const twice = serialize(
      new Map([
        ['na', 1],
        ['nb', 2],
      ]),
    );
    // Both names become `n`, of the same length: `n` and an empty rest would not do.
    const bytes = twice.map((byte, index) => (twice[index - 1] === 0x6e && byte === 0x62 ? 0x61 : byte));
    expect(summaryRow(bytes, 'na').columns.map(({ name }) => name)).toEqual(['na', 'na']);
  });

  it('gets a column for a path that an expectation names', () => {
    const document = {
      _id: null,
      total: { amount: Long.fromString('9007199254740993') },
      items: [{ p: 1 }, { p: 2 }],
    };
    expect(row(document, 'total.amount').at(-1)).toEqual(['total.amount', number('9007199254740993')]);
    expect(row(document, 'items.1.p').at(-1)).toEqual(['items.1.p', number('2')]);
  });

  it('gets none for a path that leads nowhere', () => {
    const document = { total: { amount: 1 }, n: 5 };
    for (const column of ['total.other', 'n.amount', 'total.amount.more', '.', 'total.'])
      expect(row(document, column).map(([name]) => name)).toEqual(['total', 'n']);
  });

  it('with a field of the very name needs no path', () => {
    expect(row({ 'a.b': 1, a: { b: 2 } }, 'a.b')).toEqual([
      ['a.b', number('1')],
      ['a', { kind: 'other', type: 'object', text: '{"b":2}' }],
    ]);
  });
});
