import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expectation } from './check.js';
import { parseExpect } from './expect.js';
import { judge, judgeRole } from './judge.js';
import type { SummaryValue } from './value.js';

const sentence = (text: string): Expectation => {
  const result = parseExpect(text);
  if (!result.ok) throw new Error(result.message);
  return result.expectation;
};

const number = (text: string): SummaryValue => ({ kind: 'number', text });
const row = (...columns: [string, SummaryValue][]) => ({
  kind: 'row' as const,
  row: { columns: columns.map(([name, value]) => ({ name, value })) },
});
const one = (value: SummaryValue, text: string) => {
  const { verdict, reason } = judge(row(['n', value]), sentence(text));
  return reason ?? verdict;
};

const STRING: SummaryValue = { kind: 'string', text: '5' };
const TRUE: SummaryValue = { kind: 'boolean', value: true };
const NULL: SummaryValue = { kind: 'null' };
const NAN: SummaryValue = { kind: 'non_finite', text: 'NaN' };
const DATE: SummaryValue = { kind: 'other', type: 'timestamptz', text: '2026-11-20' };

describe('a check that must not hold yet', () => {
  const absent = (value: SummaryValue, text: string) => {
    const { verdict, reason } = judgeRole(judge(row(['n', value]), sentence(text)), 'absent');
    return reason ?? verdict;
  };
  it('passes where it does not hold, and fails where it does', () => {
    expect(absent(number('6'), 'n >= 7')).toBe('pass');
    expect(absent(NULL, 'n >= 7')).toBe('pass');
    expect(absent(number('7'), 'n >= 7')).toBe('not_absent');
  });

  it('proves nothing where it could not be judged', () => {
    expect(absent(STRING, 'n >= 7')).toBe('type_mismatch');
    const failed = judge({ kind: 'query_failed', code: '42P01', message: '' }, sentence('n >= 7'));
    expect(judgeRole(failed, 'absent')).toBe(failed);
  });

  it('is judged as any other where it must hold', () => {
    const held = judge(row(['n', number('7')]), sentence('n >= 7'));
    expect(judgeRole(held, 'present')).toBe(held);
  });
});

describe('a value against its expectation', () => {
  it.each([
    [number('101'), 'n > 100', 'pass'],
    [number('100'), 'n > 100', 'expectation_not_met'],
    [number('100'), 'n >= 100', 'pass'],
    [number('100'), 'n <= 100', 'pass'],
    [number('100'), 'n < 100', 'expectation_not_met'],
    [number('99'), 'n < 100', 'pass'],
    [number('9007199254740993'), 'n == 9007199254740993', 'pass'],
    [number('9007199254740992'), 'n == 9007199254740993', 'expectation_not_met'],
    [number('9007199254740992'), 'n != 9007199254740993', 'pass'],
    [number('1.10'), 'n == 1.1', 'pass'],
    [number('0.1'), 'n == 0.1000000000000000055511151231257827', 'expectation_not_met'],
    [number('1e400'), 'n > 1e399', 'pass'],
    [number('1e999999999'), 'n < 1e999999998', 'expectation_not_met'],
    [number('1e-999999999'), 'n > 0', 'pass'],
    [number('-0'), 'n == 0', 'pass'],
    [number('-0'), 'n < 0', 'expectation_not_met'],
    [number('0e5'), 'n == -0.0', 'pass'],
    [number('5'), 'n == +5', 'pass'],
    [STRING, 'n == "5"', 'pass'],
    [STRING, "n != '6'", 'pass'],
    [STRING, 'n == "6"', 'expectation_not_met'],
    [TRUE, 'n == true', 'pass'],
    [TRUE, 'n == false', 'expectation_not_met'],
    [TRUE, 'n != false', 'pass'],
    [NULL, 'n == null', 'pass'],
    [NULL, 'n != null', 'expectation_not_met'],
    [number('0'), 'n == null', 'expectation_not_met'],
    [number('0'), 'n != null', 'pass'],
    [DATE, 'n != null', 'pass'],
    [NULL, 'n == 5', 'expectation_not_met'],
    [NULL, 'n != 5', 'pass'],
    [NULL, 'n == "5"', 'expectation_not_met'],
    [NULL, 'n != true', 'pass'],
    [NULL, 'n < 5', 'null_value'],
    [NULL, 'n >= 5', 'null_value'],
    [STRING, 'n == 5', 'type_mismatch'],
    [STRING, 'n > 4', 'type_mismatch'],
    [number('5'), 'n == "5"', 'type_mismatch'],
    [number('1'), 'n == true', 'type_mismatch'],
    [TRUE, 'n == 1', 'type_mismatch'],
    [TRUE, 'n != "true"', 'type_mismatch'],
    [DATE, 'n == "2026-11-20"', 'type_mismatch'],
    [number('1_000'), 'n == 1000', 'type_mismatch'],
    [number('1e'), 'n == 1', 'type_mismatch'],
    [number('1e0'), 'n == 1E+00000000000000000000', 'pass'],
    [NAN, 'n > 5', 'non_finite'],
    [NAN, 'n != 5', 'non_finite'],
    [{ kind: 'non_finite', text: '-Infinity' } as const, 'n < 5', 'non_finite'],
  ])('%j, expected %s: %s', (value, text, outcome) => {
    expect(one(value, text)).toBe(outcome);
  });

  it('is compared exactly, as integers of any size are', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.oneof(fc.bigInt(), fc.constantFrom(-1n, 0n, 1n)), (a, b) => {
        const right = a + b;
        expect(one(number(`${a}.000`), `n == ${right}`) === 'pass').toBe(b === 0n);
        expect(one(number(`${a}`), `n < ${right}0e-1`) === 'pass').toBe(b > 0n);
        expect(one(number(`${a}`), `n >= ${right}`) === 'pass').toBe(b <= 0n);
      }),
    );
  });

  it('of a hundred thousand digits is compared at once', () => {
    const digits = '7'.repeat(100_000);
    expect(one(number(`${digits}1`), `n > ${digits}0`)).toBe('pass');
    expect(one(number(digits), `n == ${digits}.000`)).toBe('pass');
    expect(one(number(digits), 'n < 1e999999999999')).toBe('pass');
  });
});

describe('an answer', () => {
  it.each([
    ['no_rows', 'no_rows'],
    ['multiple_rows', 'multiple_rows'],
    ['row_too_large', 'row_too_large'],
    ['timeout', 'timeout'],
    ['server_lost', 'server_lost'],
  ] as const)('%s is an error of that name', (kind, reason) => {
    expect(judge({ kind }, sentence('n > 1'))).toMatchObject({ verdict: 'error', reason });
  });

  it('of a failed query names its code, and not what the server said', () => {
    const answer = {
      kind: 'query_failed',
      code: '42P01',
      message: 'relation "secrets" is not there',
    } as const;
    const judgement = judge(answer, sentence('n > 1'));
    expect(judgement).toMatchObject({ verdict: 'error', reason: 'query_failed' });
    expect(judgement.message).toContain('42P01');
    expect(judgement.message).not.toContain('secrets');
  });

  it('without the column lists the columns that it has', () => {
    const answer = row(['N', number('1')], ['a\u0007b', number('2')]);
    expect(judge(answer, sentence('n > 1'))).toEqual({
      verdict: 'error',
      reason: 'unknown_column',
      message: 'The row has no such column; it has "N", "a\u{fffd}b".',
    });
    expect(judge(row(), sentence('n > 1')).message).toContain('no columns at all');
  });

  it('with a thousand long columns lists only some', () => {
    const names = Array.from({ length: 1000 }, (_, index): [string, SummaryValue] => [
      `${index}`.repeat(100),
      NULL,
    ]);
    const { message } = judge(row(...names), sentence('n > 1'));
    expect(message.length).toBeLessThan(2000);
    expect(message).toContain('and 980 more');
  });

  it('with the column twice is ambiguous; another column may stand twice', () => {
    const twice = row(['a', number('1')], ['a', number('1')], ['n', number('2')]);
    expect(judge(twice, sentence('a == 1'))).toMatchObject({ verdict: 'error', reason: 'ambiguous_column' });
    expect(judge(twice, sentence('n == 2'))).toMatchObject({ verdict: 'pass' });
  });

  it('has columns of any name, matched case and all', () => {
    const odd = row(['__proto__', number('1')], ['total.sum', number('2')], ['é', number('3')]);
    expect(judge(odd, sentence('__proto__ == 1')).verdict).toBe('pass');
    expect(judge(odd, sentence('"total.sum" == 2')).verdict).toBe('pass');
    expect(judge(odd, sentence('É == 3')).reason).toBe('unknown_column');
    expect(judge(odd, sentence('constructor == 3')).reason).toBe('unknown_column');
  });

  it('is never told with a value of the row or the literal', () => {
    const secret = '4929123123123';
    const values: SummaryValue[] = [number(secret), { kind: 'string', text: secret }];
    for (const value of values) {
      for (const text of ['n == 4929', 'n == "4929"', 'm == 1', 'n == null', 'n == true']) {
        expect(judge(row(['n', value]), sentence(text)).message).not.toContain('4929');
      }
    }
  });
});
