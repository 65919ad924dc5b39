import { describe, expect, it } from 'vitest';
import { isUnknownType, summaryValue } from './value.js';

const USER_TYPE = 16_400;

describe('a value of the server', () => {
  it('of a number keeps its digits', () => {
    expect(summaryValue('9007199254740993', 20)).toEqual({ kind: 'number', text: '9007199254740993' });
    expect(summaryValue('1.500', 1700)).toEqual({ kind: 'number', text: '1.500' });
    expect(summaryValue('Infinity', 701)).toEqual({ kind: 'non_finite', text: 'Infinity' });
  });

  it('of a type that the dump made is what its category says', () => {
    const facts = { name: 'x', category: 'E', kind: 'e' };
    expect(summaryValue('a', USER_TYPE, facts)).toEqual({ kind: 'string', text: 'a' });
    expect(summaryValue('1', USER_TYPE, { ...facts, category: 'N', kind: 'b' })).toMatchObject({
      kind: 'number',
    });
    expect(summaryValue('1 EUR', USER_TYPE, { ...facts, category: 'N', kind: 'b' })).toMatchObject({
      kind: 'other',
    });
    expect(summaryValue('(1,2)', USER_TYPE, { ...facts, category: 'C', kind: 'c' })).toEqual({
      kind: 'other',
      type: 'x',
      text: '(1,2)',
    });
  });

  it('of a name of an object is no number, though its category says so', () => {
    expect(summaryValue('4711', 2205, { name: 'regclass', category: 'N', kind: 'b' })).toMatchObject({
      kind: 'other',
    });
  });

  it('that is null is null, whatever its type', () => {
    expect(summaryValue(null, USER_TYPE)).toEqual({ kind: 'null' });
  });

  it('of an ordinary type needs no question to the catalogue', () => {
    expect([16, 20, 25, 1700, 2950].some(isUnknownType)).toBe(false);
    expect(isUnknownType(USER_TYPE)).toBe(true);
  });
});
