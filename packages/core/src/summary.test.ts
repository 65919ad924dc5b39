import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './jcs.js';
import { summaryJson } from './summary.js';
import type { SummaryValue } from './value.js';

const summary = (...columns: [string, SummaryValue][]) =>
  summaryJson({ columns: columns.map(([name, value]) => ({ name, value })) });
const number = (text: string) => summary(['n', { kind: 'number', text }])['n'];

describe('a summary in a receipt', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['-0.00', 0],
    ['100', 100],
    ['1.10', 1.1],
    ['0.1', 0.1],
    ['-1e-7', -1e-7],
    ['1e21', 1e21],
    ['9007199254740992', 9007199254740992],
    ['9007199254740993', '9007199254740993'],
    ['0.1000000000000000055511151231257827', '0.1000000000000000055511151231257827'],
    ['1e400', '1e400'],
    ['1e-400', '1e-400'],
    ['1e999999999', '1e999999999'],
  ])('has %s as %j', (text, value) => {
    expect(Object.is(number(text), value)).toBe(true);
  });

  it('has all other values as what JSON has for them, or as their text', () => {
    expect(
      summary(
        ['s', { kind: 'string', text: '5' }],
        ['b', { kind: 'boolean', value: false }],
        ['z', { kind: 'null' }],
        ['i', { kind: 'non_finite', text: '-Infinity' }],
        ['d', { kind: 'other', type: 'date', text: '2026-11-20' }],
      ),
    ).toEqual({ s: '5', b: false, z: null, i: '-Infinity', d: '2026-11-20' });
  });

  it('has a column called __proto__ as any other', () => {
    const made = summary(['__proto__', { kind: 'number', text: '1' }], ['constructor', { kind: 'null' }]);
    expect(canonicalJson(made)).toBe('{"__proto__":1,"constructor":null}');
  });

  it('shows no column whose name stands twice', () => {
    const one: SummaryValue = { kind: 'number', text: '1' };
    expect(summary(['a', one], ['b', one], ['a', { kind: 'null' }])).toEqual({ b: 1 });
  });

  it('can always be written as JCS', () => {
    expect(canonicalJson(summary(['\ud800', { kind: 'string', text: 'a\udfff' }]))).toBe(
      '{"\u{fffd}":"a\u{fffd}"}',
    );
  });

  it('says exactly the number that it was given', () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        const shown = number(String(value));
        expect(typeof shown === 'number' ? BigInt(shown) : BigInt(String(shown))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(number(String(value))).toBe(value + 0);
      }),
    );
  });
});
