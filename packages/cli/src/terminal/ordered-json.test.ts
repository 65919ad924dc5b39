import fc from 'fast-check';
import { expect, it } from 'vitest';
import { orderedJson } from './ordered-json.js';

it('JSON is written as JavaScript writes it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(orderedJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  const value = {
    none: undefined,
    list: [undefined, {}, [], 1.5],
    at: new Date(0),
    deep: { a: 'é"', b: null },
  };
  expect(orderedJson(value)).toBe(JSON.stringify(value, null, 2));
});

it('a Map keeps the order of its keys', () =>
  expect(
    orderedJson({
      sort: new Map([
        ['b', 1],
        ['10', -1],
        ['2', 1],
      ]),
    }),
  ).toBe('{\n  "sort": {\n    "b": 1,\n    "10": -1,\n    "2": 1\n  }\n}'));

it('a number beyond 2^53 stays none that a reader takes for an integer', () => {
  expect(orderedJson([2 ** 53, 1e20, -1e20, 1e21])).toBe(
    '[\n  9007199254740992,\n  1e+20,\n  -1e+20,\n  1e+21\n]',
  );
});
