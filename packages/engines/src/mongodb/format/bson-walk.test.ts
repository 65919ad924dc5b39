import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  serialize,
  Timestamp,
} from 'bson';
import { describe, expect, it } from 'vitest';
import { isBson } from './bson-walk.js';

const every = {
  double: new Double(1.5),
  string: 'a\0b é',
  document: { deep: { deeper: [1, [2, { x: null }]] } },
  array: [],
  binary: new Binary(Buffer.from('abc')),
  oid: new ObjectId('65f000000000000000000000'),
  yes: true,
  date: new Date(0),
  nothing: null,
  regex: new BSONRegExp('a.*', 'im'),
  code: new Code('return 1'),
  scoped: new Code('return x', { x: 1 }),
  symbol: new BSONSymbol('s'),
  int: new Int32(7),
  timestamp: new Timestamp({ t: 0, i: 0 }),
  long: Long.fromString('9007199254740993'),
  decimal: Decimal128.fromString('0.10'),
  min: new MinKey(),
  max: new MaxKey(),
};
const bytes = Buffer.from(serialize(every));

describe('a BSON document', () => {
  it('is well formed with every type that there is', () => {
    expect(isBson(bytes)).toBe(true);
    expect(isBson(Buffer.from(serialize({})))).toBe(true);
  });

  it('with DBPointer and undefined, which nobody writes any more', () => {
    const pointer = Buffer.concat([
      Buffer.from([12]),
      Buffer.from('p\0'),
      Buffer.from([2, 0, 0, 0, 97, 0]),
      Buffer.alloc(12),
    ]);
    const body = Buffer.concat([pointer, Buffer.from([6, 117, 0])]);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length + 5);
    expect(isBson(Buffer.concat([head, body, Buffer.from([0])]))).toBe(true);
  });

  it('is none where it was cut anywhere', () => {
    for (let length = 0; length < bytes.length; length += 1)
      expect(isBson(bytes.subarray(0, length))).toBe(false);
  });

  it('never throws, whichever byte is another', () => {
    let found = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      for (const flip of [1, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        if (!isBson(damaged)) found += 1;
      }
    }
    expect(found).toBeGreaterThan(bytes.length);
  });

  it('is none where it nests without end', () => {
    let nested = {};
    for (let depth = 0; depth < 600; depth += 1) nested = { a: nested };
    expect(isBson(Buffer.from(serialize(nested)))).toBe(false);
  });
});
