import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expectation, Literal, Operator } from './check.js';
import { type ParsedExpect, parseExpect } from './expect.js';

const parsed = (text: string): Expectation => {
  const result = parseExpect(text);
  if (!result.ok) throw new Error(`${result.offset}: ${result.message}`);
  return result.expectation;
};

const refused = (text: string): Extract<ParsedExpect, { ok: false }> => {
  const result = parseExpect(text);
  if (result.ok) throw new Error('was accepted');
  return result;
};

describe('an expect sentence', () => {
  it.each([
    ['n > 100', 'n', '>', { kind: 'number', text: '100' }],
    ['users>=1000', 'users', '>=', { kind: 'number', text: '1000' }],
    ['n == -1.50e-3', 'n', '==', { kind: 'number', text: '-1.50e-3' }],
    ['n < +.5', 'n', '<', { kind: 'number', text: '+.5' }],
    ['status == "ok"', 'status', '==', { kind: 'string', text: 'ok' }],
    ["status != 'it\\'s \\u00e9\\n'", 'status', '!=', { kind: 'string', text: "it's é\n" }],
    ['done == true', 'done', '==', { kind: 'boolean', value: true }],
    ['  gone\n!=\tnull  \n', 'gone', '!=', { kind: 'null' }],
    ['"?column?" == 1', '?column?', '==', { kind: 'number', text: '1' }],
    ['"a ""b"" \\" == 1', 'a "b" \\', '==', { kind: 'number', text: '1' }],
    ['größe_1$ <= 2', 'größe_1$', '<=', { kind: 'number', text: '2' }],
    ['total.sum.0 > 2', 'total.sum.0', '>', { kind: 'number', text: '2' }],
    ['__proto__ == 1', '__proto__', '==', { kind: 'number', text: '1' }],
    ['true == 1', 'true', '==', { kind: 'number', text: '1' }],
  ])('%j is read', (text, column, operator, literal) => {
    expect(parsed(text)).toEqual({ column, operator, literal });
  });

  it.each([
    ['', 0, 'expected a column name'],
    ['   ', 3, 'expected a column name'],
    ['100 < n', 0, 'column name first'],
    ["'ok' == status", 0, 'column name first'],
    ['n', 1, 'expected an operator'],
    ['n >', 3, 'expected a literal'],
    ['n = 1', 2, 'write =='],
    ['n === 1', 2, 'write =='],
    ['n <> 1', 2, 'write !='],
    ['n => 1', 2, 'write >='],
    ['n ! 1', 2, 'expected one of'],
    ['n is null', 2, '(condition)::int AS ok'],
    ['n > 1 and n < 5', 6, 'ok: { $cond: [condition, 1, 0] }'],
    ['n + 1 > 2', 2, '(condition)::int AS ok'],
    ['count(*) > 2', 5, '(condition)::int AS ok'],
    ['n > 1 and n < 5', 6, '(condition)::int AS ok'],
    ['n > 1 + 1', 6, '(condition)::int AS ok'],
    ['n == m', 5, '(condition)::int AS ok'],
    ['1 < n < 5', 0, 'column name first'],
    ['n > 1,000', 5, 'end of the sentence'],
    ['n > 0x10', 5, 'end of the sentence'],
    ['n > 5abc', 5, 'end of the sentence'],
    ['n > 1e9999999999999', 4, 'exponent'],
    ['n == NaN', 5, 'expected a number'],
    ['n == TRUE', 5, 'lower case'],
    ['n == constructor', 5, 'expected a number'],
    ['n > "5"', 4, '> needs a number'],
    ['n <= null', 5, '<= needs a number'],
    ['n < true', 4, '< needs a number'],
    ['n == "open', 5, 'closing quote'],
    ['n == "a\\qb"', 7, 'unknown escape'],
    ['"open == 1', 0, 'closing double quote'],
    ['"open"" == 1', 0, 'closing double quote'],
  ])('%j is refused at character %i: %s', (text, offset, message) => {
    expect(refused(text)).toMatchObject({ offset, message: expect.stringContaining(message) });
  });

  it('quotes nothing of itself when it is refused', () => {
    for (const text of ['ssn == 078051120 or 1', 'ssn == s078051120', 'ssn s078051120', '"s078051120']) {
      expect(refused(text).message).not.toContain('078051120');
    }
  });

  it('is read back as it was meant, however it is spaced and quoted', () => {
    fc.assert(
      fc.property(expectations(), fc.constantFrom('', ' ', '\n\t '), (wanted, space) => {
        const column = `"${wanted.column.replaceAll('"', '""')}"`;
        const text = [space, column, space, wanted.operator, space, write(wanted.literal), space].join('');
        expect(parsed(text)).toEqual(wanted);
      }),
    );
  });

  it('is read or refused, and never anything else', () => {
    const near = fc.string({ unit: fc.constantFrom(...'n1.e-+"\'\\=<>! tu0') });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), (text) => {
        const result = parseExpect(text);
        if (!result.ok) expect(result.offset).toBeLessThanOrEqual(text.length);
      }),
    );
  });

  it('of a million characters takes no time', () => {
    expect(refused(`${'n'.repeat(1_000_000)}`).offset).toBe(1_000_000);
    expect(refused(`"${'""'.repeat(1_000_000)}`).offset).toBe(0);
    expect(refused(`"${'a'.repeat(5_000_000)}`).offset).toBe(0);
    expect(refused(`n == "${'\\\\'.repeat(500_000)}`).offset).toBe(5);
    expect(parsed(`n == ${'9'.repeat(1_000_000)}`).literal).toMatchObject({ kind: 'number' });
  });
});

function write(literal: Literal): string {
  switch (literal.kind) {
    case 'string':
      return JSON.stringify(literal.text);
    case 'number':
      return literal.text;
    case 'boolean':
      return String(literal.value);
    case 'null':
      return 'null';
  }
}

function expectations(): fc.Arbitrary<Expectation> {
  const column = fc.string({ unit: 'binary' });
  const number = fc
    .tuple(fc.constantFrom('', '-', '+'), fc.bigInt({ min: 0n }), fc.constantFrom('', '.5', 'e-7', 'E+30'))
    .map((parts): Literal => ({ kind: 'number', text: parts.join('') }));
  const other: fc.Arbitrary<Literal> = fc.oneof(
    fc.string({ unit: 'binary' }).map((text): Literal => ({ kind: 'string', text })),
    fc.boolean().map((value): Literal => ({ kind: 'boolean', value })),
    fc.constant<Literal>({ kind: 'null' }),
  );
  const all: readonly Operator[] = ['==', '!=', '<', '<=', '>', '>='];
  return fc.oneof(
    fc.record({ column, operator: fc.constantFrom(...all), literal: number }),
    fc.record({ column, operator: fc.constantFrom<Operator>('==', '!='), literal: other }),
  );
}
