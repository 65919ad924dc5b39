import { Decimal128, Double, Int32, Long, ObjectId, serialize } from 'bson';
import { describe, expect, it } from 'vitest';
import { parseOrdered } from './ordered-json.js';

describe('Extended JSON', () => {
  it('keeps the order of its keys, also of those that look like numbers', () => {
    const parsed = parseOrdered('{"b": 1, "2": 1, "a": {"1": 1, "0": -1}, "__proto__": 1}');
    expect(parsed).toBeInstanceOf(Map);
    const keys = [...(parsed as Map<string, unknown>).keys()];
    expect(keys).toEqual(['b', '2', 'a', '__proto__']);
    expect(Buffer.from(serialize(parsed as Map<string, unknown>)).toString('latin1')).toMatch(
      /b\0.*2\0.*a\0.*1\0.*0\0/s,
    );
  });

  it.each([
    ['{"$numberInt":"2"}', new Int32(2)],
    ['{"$numberLong":"9007199254740993"}', Long.fromString('9007199254740993')],
    ['{"$numberDouble":"1.0"}', new Double(1)],
    ['{"$numberDecimal":"0.10"}', Decimal128.fromString('0.10')],
    ['{"$oid":"65f000000000000000000000"}', new ObjectId('65f000000000000000000000')],
    ['{"$date":{"$numberLong":"0"}}', new Date(0)],
    ['2', new Int32(2)],
    ['3000000000', Long.fromNumber(3_000_000_000)],
    ['1.5', new Double(1.5)],
    ['"a\\"b:{"', 'a"b:{'],
    ['["a:", {"$gt": true}]', ['a:', new Map([['$gt', true]])]],
  ])('%s', (text, value) => {
    expect(parseOrdered(text)).toEqual(value);
  });

  it('is refused where it is none', () => {
    for (const text of ['', '{"a"', '{"a":}', '{"$oid":"zz"}']) expect(() => parseOrdered(text)).toThrow();
  });

  it('is refused at once where a string has no end, however often it seems to begin', () => {
    expect(() => parseOrdered(`"${'\\"'.repeat(100_000)}`)).toThrow(SyntaxError);
  });
});
