import { MusterError } from '@muster/core';

/** A token of SQL as psql sees it, comments left out. */
export interface Token {
  readonly kind: 'word' | 'ident' | 'string' | 'symbol' | 'other';
  /** `word`: lower case. `ident`, `string`: without its quotes; empty for very long ones. Decoded as the dump's encoding. */
  readonly text: string;
  /** Where it begins in the line it begins in; only good for statements of one line. */
  readonly start: number;
}

/** Where {@link PsqlLexer.scan} stopped. */
export type Stop = 'end' | 'semicolon' | 'backslash';

type Mode = 'text' | 'standard' | 'escape' | 'raw' | 'ident' | 'dollar' | 'block';

const MAX_TOKENS = 20_000;
const MAX_TOKEN_BYTES = 4096;
/** Statements that name no roles and change nothing we follow; their tokens are not kept. */
const UNINTERESTING = new Set(['insert', 'select']);

const NONE = 0;
const SPACE = 1;
const LETTER = 2;
const DIGIT = 3;
const CLASS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b)) return SPACE;
  if (byte >= 0x80 || byte === 0x5f || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a))
    return LETTER;
  return byte >= 0x30 && byte <= 0x39 ? DIGIT : NONE;
});
const classOf = (byte: number | undefined): number => (byte === undefined ? NONE : (CLASS[byte] ?? NONE));

const doubtful = (what: string): MusterError =>
  new MusterError(
    'unsupported_dump',
    `The dump holds SQL that pg_dump does not write and that psql may read in two ways (${what}). Restore it by hand, or dump in the custom format.`,
  );

/**
 * The lexer of psql (fe_utils/psqlscan.l, 14 and later), line by line as psql reads its input, so that both agree on where a statement
 * ends and where a backslash is a command. What the lexers of different versions, or psql and the server, take differently is refused.
 */
export class PsqlLexer {
  /** `standard_conforming_strings` as the dump set it. */
  standardStrings = true;
  decode: (bytes: Buffer) => string = (bytes) => bytes.toString('utf8');

  /** Tokens of the statement under way. */
  tokens: Token[] = [];
  /** True once the statement under way has any token. */
  begun = false;
  /** The bytes since the last statement hold something other than ASCII, which another client_encoding would read differently. */
  highBytes = false;
  /** A string of the statement under way ends differently under another `standard_conforming_strings`. */
  stringDoubt = false;

  #mode: Mode = 'text';
  #parens = 0;
  #blocks = 0;
  #commentDepth = 0;
  #tag: Buffer = Buffer.alloc(0);
  #identifiers = 0;
  #firstIdentifiers = '';
  #afterEscape: 'no' | 'same_line' | 'next_line' = 'no';
  #text: Buffer[] = [];
  #textBytes = 0;
  #start = 0;
  /** The statement under way is of a kind whose tokens are not kept. */
  #quiet = false;

  /** True between statements, outside of any quote or comment. */
  get idle(): boolean {
    return this.#mode === 'text' && !this.begun;
  }

  /** True inside a quote or a block comment. */
  get quoted(): boolean {
    return this.#mode !== 'text';
  }

  /** Forgets the statement that {@link scan} stopped after. */
  reset(): void {
    this.tokens = [];
    this.begun = false;
    this.highBytes = false;
    this.stringDoubt = false;
    this.#identifiers = 0;
    this.#firstIdentifiers = '';
    this.#afterEscape = 'no';
    this.#quiet = false;
  }

  /**
   * Scans one line from `at`; `next` is where it stopped: after the `;`, at the backslash, or at the line's end.
   * @throws `unsupported_dump` for what cannot be told apart safely.
   */
  scan(line: Buffer, at: number): { readonly stop: Stop; readonly next: number } {
    let i = at;
    while (i < line.length) {
      if (this.#mode !== 'text') {
        i = this.#inside(line, i);
        continue;
      }
      const byte = line[i] as number;
      const kind = classOf(byte);
      if (kind === SPACE) {
        if (this.#afterEscape === 'same_line' && (byte === 0x0a || byte === 0x0d))
          this.#afterEscape = 'next_line';
        i += 1;
      } else if (kind === LETTER) {
        i = this.#word(line, i);
      } else if (kind === DIGIT) {
        i = this.#number(line, i);
      } else if (byte === 0x2d && line[i + 1] === 0x2d) {
        i = endOfLineComment(line, i);
      } else if (byte === 0x2f && line[i + 1] === 0x2a) {
        this.#mode = 'block';
        this.#commentDepth = 1;
        i += 2;
      } else if (byte === 0x5c) {
        return { stop: 'backslash', next: i };
      } else if (byte === 0x3b) {
        this.#symbol(';', i);
        i += 1;
        if (this.#parens === 0 && this.#blocks === 0) return { stop: 'semicolon', next: i };
      } else {
        i = this.#punctuation(line, i, byte);
      }
    }
    return { stop: 'end', next: line.length };
  }

  #symbol(text: string, start: number): void {
    this.begun = true;
    this.#afterEscape = 'no';
    this.#keep('symbol', text, start);
  }

  #keep(kind: Token['kind'], text: string, start: number): void {
    if (this.#quiet || this.tokens.length >= MAX_TOKENS) return;
    this.tokens.push({ kind, text, start });
    if (this.tokens.length === 1 && kind === 'word') this.#quiet = UNINTERESTING.has(text);
  }

  #punctuation(line: Buffer, at: number, byte: number): number {
    switch (byte) {
      case 0x27: // '
        if (this.#afterEscape === 'next_line') throw doubtful("an E'' string continued on the next line");
        return this.#open(this.standardStrings ? 'standard' : 'escape', at, at + 1);
      case 0x22: // "
        return this.#open('ident', at, at + 1);
      case 0x24: // $
        return this.#dollar(line, at);
      case 0x3a: // :
        return this.#colon(line, at);
      case 0x28: // (
        this.#parens += 1;
        break;
      case 0x29: // )
        if (this.#parens > 0) this.#parens -= 1;
        break;
      case 0x0b:
        throw doubtful('a vertical tab');
      default:
        if (byte < 0x20 || byte === 0x7f) throw doubtful('a control character');
    }
    this.#symbol(String.fromCharCode(byte), at);
    return at + 1;
  }

  #open(mode: Mode, start: number, next: number): number {
    this.begun = true;
    this.#afterEscape = 'no';
    this.#mode = mode;
    if (this.#text.length > 0) this.#text = [];
    this.#textBytes = 0;
    this.#start = start;
    return next;
  }

  #word(line: Buffer, at: number): number {
    let end = at + 1;
    let bits = line[at] as number;
    for (; end < line.length; end += 1) {
      const byte = line[end] as number;
      if (classOf(byte) < LETTER && byte !== 0x24) break;
      bits |= byte;
    }
    if (bits >= 0x80) this.highBytes = true;
    const next = line[end];
    if (end - at === 1 && next === 0x27) {
      const prefix = String.fromCharCode(bits | 0x20);
      if (prefix === 'e') return this.#open('escape', at, end + 1);
      // In psql the halves of B'1''0' are two strings, in the server too; nobody writes that.
      if ((prefix === 'b' || prefix === 'x') && !this.standardStrings)
        throw doubtful('a bit string without standard_conforming_strings');
      if (prefix === 'b' || prefix === 'x') return this.#open('raw', at, end + 1);
    }
    if (end - at === 1 && (bits | 0x20) === 0x75 && next === 0x26) {
      if (line[end + 1] === 0x27) return this.#open('raw', at, end + 2);
      if (line[end + 1] === 0x22) {
        this.#keep('other', 'U&', at);
        return this.#open('ident', at, end + 2);
      }
    }
    this.begun = true;
    this.#afterEscape = 'no';
    // A statement of this kind has no body of a function.
    if (this.#quiet) return end;
    const bytes = line.subarray(at, end);
    const text = (bits >= 0x80 ? this.decode(bytes) : bytes.toString('latin1')).replace(
      /[A-Z]+/g,
      (s: string) => s.toLowerCase(),
    );
    this.#keep('word', text, at);
    this.#trackBody(text);
    return end;
  }

  /** psql's own heuristic for `BEGIN ATOMIC … END` bodies of functions. */
  #trackBody(word: string): void {
    if (this.#identifiers < 4) {
      const known = ['create', 'function', 'procedure', 'or', 'replace'].includes(word);
      this.#firstIdentifiers += known ? word.charAt(0) : ' ';
    }
    this.#identifiers += 1;
    if (this.#parens > 0 || !/^c(or)?[fp]/.test(this.#firstIdentifiers)) return;
    if (word === 'begin' || (word === 'case' && this.#blocks >= 1)) this.#blocks += 1;
    else if (word === 'end' && this.#blocks > 0) this.#blocks -= 1;
  }

  #number(line: Buffer, at: number): number {
    let end = at + 1;
    while (classOf(line[end]) >= LETTER) end += 1;
    const next = line[end];
    if (next === 0x24 || (next === 0x27 && end - at > 1 && classOf(line[end - 1]) === LETTER)) {
      throw doubtful('a number that runs into a quote');
    }
    this.begun = true;
    this.#afterEscape = 'no';
    this.#keep('other', '0', at);
    return end;
  }

  #dollar(line: Buffer, at: number): number {
    let end = at + 1;
    if (classOf(line[end]) === DIGIT) {
      while (classOf(line[end]) === DIGIT) end += 1;
      if (classOf(line[end]) === LETTER || line[end] === 0x24)
        throw doubtful('a parameter that runs into a word');
      this.#symbol('$', at);
      return end;
    }
    while (classOf(line[end]) >= LETTER) end += 1;
    if (line[end] !== 0x24) throw doubtful('a dollar sign that opens no quote');
    this.#tag = Buffer.from(line.subarray(at, end + 1));
    if (this.#tag.some((byte) => byte >= 0x80)) this.highBytes = true;
    return this.#open('dollar', at, end + 1);
  }

  /** `:NAME` is a variable of psql; its own are all upper case, which PostgreSQL prints only in quotes. */
  #colon(line: Buffer, at: number): number {
    const next = line[at + 1];
    this.#symbol(':', at);
    if (next === 0x3a || next === 0x3d) return at + 2;
    const quote = next === 0x27 || next === 0x22 ? next : undefined;
    const start = quote === undefined ? at + 1 : at + 2;
    let end = start;
    while (classOf(line[end]) >= LETTER) end += 1;
    const name = line.toString('latin1', start, end);
    if (next === 0x7b || (/^[A-Z][A-Z0-9_]*$/.test(name) && (quote === undefined || line[end] === quote))) {
      throw new MusterError(
        'meta_command',
        'The dump uses a variable of psql, which pg_dump does not write. It was edited or made by something else.',
      );
    }
    return at + 1;
  }

  /** Scans on inside a quote or block comment; returns where it ended, or the line's end. */
  #inside(line: Buffer, at: number): number {
    switch (this.#mode) {
      case 'block':
        return this.#block(line, at);
      case 'dollar':
        return this.#dollarBody(line, at);
      case 'escape':
        return this.#quote(line, at, 0x27, true);
      case 'ident':
        return this.#quote(line, at, 0x22, false);
      default:
        return this.#quote(line, at, 0x27, false);
    }
  }

  #quote(line: Buffer, at: number, quote: number, escapes: boolean): number {
    let i = at;
    let bits = 0;
    let backslashes = 0;
    for (; i < line.length; i += 1) {
      const byte = line[i] as number;
      bits |= byte;
      if (byte === 0x5c) {
        if (escapes) i += 1;
        else backslashes += 1;
        bits |= line[i] ?? 0;
        if (escapes && line[i] === quote) this.stringDoubt = true;
      } else if (byte === quote) {
        if (backslashes % 2 === 1 && this.#mode === 'standard') this.stringDoubt = true;
        backslashes = 0;
        if (line[i + 1] !== quote) break;
        i += 1;
      } else {
        backslashes = 0;
      }
    }
    if (bits >= 0x80) this.highBytes = true;
    const end = Math.min(i, line.length);
    this.#textBytes += end - at;
    if (!this.#quiet && this.#textBytes <= MAX_TOKEN_BYTES) this.#text.push(line.subarray(at, end));
    if (i >= line.length) return line.length;
    this.#close(quote);
    return i + 1;
  }

  #close(quote: number): void {
    const mode = this.#mode;
    this.#mode = 'text';
    const bytes = this.#textBytes <= MAX_TOKEN_BYTES ? Buffer.concat(this.#text) : Buffer.alloc(0);
    if (mode === 'raw' && bytes.includes(0x5c) && !this.standardStrings)
      throw doubtful('a backslash in a bit string');
    if (mode === 'escape') this.#afterEscape = 'same_line';
    const mark = String.fromCharCode(quote);
    const text = this.decode(bytes).replaceAll(mark + mark, mark);
    this.#keep(quote === 0x22 ? 'ident' : 'string', text, this.#start);
    this.#text = [];
  }

  #dollarBody(line: Buffer, at: number): number {
    const found = line.indexOf(this.#tag, at);
    const end = found < 0 ? line.length : found + this.#tag.length;
    for (let i = at; !this.highBytes && i < end; i += 1)
      if ((line[i] as number) >= 0x80) this.highBytes = true;
    if (found < 0) return line.length;
    this.#mode = 'text';
    this.#keep('other', '$$', this.#start);
    return end;
  }

  #block(line: Buffer, at: number): number {
    for (let i = at; i < line.length; i += 1) {
      const byte = line[i] as number;
      if (byte >= 0x80) this.highBytes = true;
      if (byte === 0x2a && line[i + 1] === 0x2f) {
        i += 1;
        this.#commentDepth -= 1;
        if (this.#commentDepth === 0) {
          this.#mode = 'text';
          return i + 1;
        }
      } else if (byte === 0x2f && line[i + 1] === 0x2a) {
        i += 1;
        this.#commentDepth += 1;
      }
    }
    return line.length;
  }
}

function endOfLineComment(line: Buffer, at: number): number {
  let end = at + 2;
  while (end < line.length && line[end] !== 0x0a && line[end] !== 0x0d) end += 1;
  if (line[end] === 0x0d && end + 1 < line.length && line[end + 1] !== 0x0a)
    throw doubtful('a comment with a carriage return');
  return end;
}
