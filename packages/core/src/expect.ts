import type { Expectation, Literal, Operator } from './check.js';
import { parseDecimal } from './decimal.js';

/** What parsing a sentence gave. `offset` counts UTF-16 units from 0; `message` quotes nothing of the sentence. */
export type ParsedExpect =
  | { readonly ok: true; readonly expectation: Expectation }
  | { readonly ok: false; readonly offset: number; readonly message: string };

const PUSH_INTO_QUERY =
  'expect is one comparison, <column> <op> <literal>; push anything more into the query: ' +
  'let it give (condition)::int AS ok in SQL, or ok: { $cond: [condition, 1, 0] } in a pipeline, and expect ok == 1';

const OPERATORS: ReadonlySet<string> = new Set<Operator>(['==', '!=', '<', '<=', '>', '>=']);

const isOperator = (text: string): text is Operator => OPERATORS.has(text);

/** What people write who come from other languages. */
const MEANT: Readonly<Record<string, Operator>> = {
  '=': '==',
  '===': '==',
  '!==': '!=',
  '<>': '!=',
  '=<': '<=',
  '=>': '>=',
};

const SPACE = /\s*/y;
/** With dots it is a path into a document. */
const IDENTIFIER = /[\p{L}_][\p{L}\p{M}\p{N}_$]*(?:\.[\p{L}\p{M}\p{N}_$]+)*/uy;
const QUOTED_NAME = /"([^"]*(?:""[^"]*)*)"(?!")/y;
const OPERATOR_RUN = /[=!<>]+/y;
const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:(["'\\/bfnrt])|u([0-9a-fA-F]{4}))/y;
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** A part of the sentence and where it ends; a fault is thrown and caught within this file. */
interface Part<T> {
  readonly value: T;
  readonly end: number;
}

class ExpectFault extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** Reads `<column> <op> <literal>` (checks.md). */
export function parseExpect(text: string): ParsedExpect {
  try {
    return { ok: true, expectation: comparison(text) };
  } catch (error) {
    if (error instanceof ExpectFault) return { ok: false, offset: error.offset, message: error.message };
    throw error;
  }
}

function comparison(text: string): Expectation {
  const column = readColumn(text, skipSpace(text, 0));
  const operator = readOperator(text, skipSpace(text, column.end));
  const start = skipSpace(text, operator.end);
  const literal = readLiteral(text, start);
  const end = skipSpace(text, literal.end);
  if (end < text.length) throw new ExpectFault(end, `expected the end of the sentence: ${PUSH_INTO_QUERY}`);
  if (operator.value !== '==' && operator.value !== '!=' && literal.value.kind !== 'number') {
    throw new ExpectFault(start, `${operator.value} needs a number to its right; for all else use == or !=`);
  }
  return { column: column.value, operator: operator.value, literal: literal.value };
}

function readColumn(text: string, at: number): Part<string> {
  if (at === text.length) throw new ExpectFault(at, `expected a column name: ${PUSH_INTO_QUERY}`);
  if (text[at] === '"') {
    const quoted = match(QUOTED_NAME, text, at);
    if (quoted === null) throw new ExpectFault(at, 'the quoted column name has no closing double quote');
    return { value: (quoted[1] ?? '').replaceAll('""', '"'), end: at + quoted[0].length };
  }
  const name = match(IDENTIFIER, text, at);
  if (name !== null) return { value: name[0], end: at + name[0].length };
  if (text[at] === "'" || match(NUMBER, text, at) !== null) {
    throw new ExpectFault(at, 'expected a column name first; the literal goes to the right, as in n > 100');
  }
  throw new ExpectFault(at, `expected a column name: ${PUSH_INTO_QUERY}`);
}

function readOperator(text: string, at: number): Part<Operator> {
  if (at === text.length) throw new ExpectFault(at, 'expected an operator (== != < <= > >=) and a literal');
  const run = match(OPERATOR_RUN, text, at)?.[0];
  if (run === undefined) {
    throw new ExpectFault(at, `expected one of == != < <= > >= after the column: ${PUSH_INTO_QUERY}`);
  }
  if (isOperator(run)) return { value: run, end: at + run.length };
  const meant = Object.hasOwn(MEANT, run) ? MEANT[run] : undefined;
  throw new ExpectFault(
    at,
    meant === undefined ? 'expected one of == != < <= > >=' : `${run} is no operator here: write ${meant}`,
  );
}

function readLiteral(text: string, at: number): Part<Literal> {
  if (at === text.length) {
    throw new ExpectFault(at, 'expected a literal: a number, a quoted string, true, false or null');
  }
  if (text[at] === '"' || text[at] === "'") return readString(text, at);
  const number = match(NUMBER, text, at)?.[0];
  if (number !== undefined) {
    if (parseDecimal(number) === undefined) throw new ExpectFault(at, 'the exponent is too large');
    return { value: { kind: 'number', text: number }, end: at + number.length };
  }
  const word = match(IDENTIFIER, text, at)?.[0];
  const value = word === undefined ? undefined : wordLiteral(word);
  if (word !== undefined && value !== undefined) return { value, end: at + word.length };
  if (word !== undefined && wordLiteral(word.toLowerCase()) !== undefined) {
    throw new ExpectFault(at, 'true, false and null are written in lower case');
  }
  throw new ExpectFault(
    at,
    `expected a number, a quoted string, true, false or null (a string needs its quotes): ${PUSH_INTO_QUERY}`,
  );
}

function wordLiteral(word: string): Literal | undefined {
  if (word === 'true' || word === 'false') return { kind: 'boolean', value: word === 'true' };
  return word === 'null' ? { kind: 'null' } : undefined;
}

function readString(text: string, start: number): Part<Literal> {
  const quote = text[start];
  let value = '';
  for (let at = start + 1; at < text.length; ) {
    const character = text.charAt(at);
    if (character === quote) return { value: { kind: 'string', text: value }, end: at + 1 };
    if (character === '\\') {
      const escaped = match(ESCAPE, text, at);
      if (escaped === null) {
        throw new ExpectFault(
          at,
          'unknown escape; there are \\\\ \\" \\\' \\/ \\b \\f \\n \\r \\t and \\uXXXX',
        );
      }
      const [all, letter, hex] = escaped;
      value +=
        letter === undefined
          ? String.fromCharCode(Number.parseInt(hex ?? '', 16))
          : (ESCAPED[letter] ?? letter);
      at += all.length;
    } else {
      value += character;
      at += 1;
    }
  }
  throw new ExpectFault(start, 'the string has no closing quote');
}

function skipSpace(text: string, at: number): number {
  return at + (match(SPACE, text, at)?.[0].length ?? 0);
}

/** Matches a sticky pattern just at `at`. */
function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
