import { Transform } from 'node:stream';
import { MusterError } from '@muster/core';
import { decoderFor, serverEncoding } from '../format/encoding.js';
import { rolesOfStatement } from '../format/roles.js';
import { CopyData, isCopyFromStdin } from './copy-data.js';
import { PLAIN_FOOTER } from './footer.js';
import { rewriteForEmptyDatabase } from './plain-rewrite.js';
import { connectTarget } from './psql-connect.js';
import { PsqlLexer, type Token } from './psql-lexer.js';
import { withoutSemicolon } from './sql-statements.js';

/**
 * A plain dump on its way to psql's stdin.
 *
 * psql must run with `--no-psqlrc`, and outside of a scratch with `ON_ERROR_STOP=1` where it knows no `\restrict`: after a COPY that fails it reads data as SQL,
 * and a line of data may be a command.
 * What healthy dumps would trip over there (`CREATE SCHEMA public`, the DROPs of --clean) is made harmless here.
 */
export interface PlainFilterOptions {
  /** The dump's own database (pg_dump -C names it), so that `\connect` to it is dropped; absent = the first one named. */
  readonly database?: string;
  /**
   * Awaited before the bytes of a statement that names roles pass, with names that were not reported before.
   * Never PUBLIC, CURRENT_USER …, or predefined roles (`pg_*`).
   */
  readonly onRoles: (names: readonly string[]) => Promise<void>;
  /** The line of its end. Default: that of pg_dump. */
  readonly footer?: Buffer;
  /** Looks at each statement first. */
  readonly rule?: StatementRule;
}

/**
 * What becomes of a statement, seen as its tokens; `line`: up to its `;`, where all of it lies in one. A buffer takes its
 * place, without its `;`; undefined passes it on. @throws a MusterError, for what must not be run.
 */
export type StatementRule = (
  tokens: readonly Token[],
  line: Buffer | undefined,
) => 'drop' | Buffer | undefined;

/** PostgreSQL takes no statement over 1 GiB; a dump shall not make the worker hold even that much. */
const MAX_STATEMENT_BYTES = 256 * 1024 * 1024;
/** A piece of a few bytes takes a hundred more by being one: so many are made one piece. */
const MAX_SMALL_PIECES = 4096;
const LF = 0x0a;

/**
 * Drops psql's meta-commands that pg_dump writes and what would leave the scratch database, and reports roles. Passes all else unchanged,
 * with settings repeated where psql could read on differently if the dump had changed them behind our back.
 * @throws (destroys the stream with) `meta_command`, `truncated`, `corrupt`, `unsupported_dump`.
 */
export function plainFilter(options: PlainFilterOptions): Transform {
  const filter = new PlainFilter(options);
  const drain = async (steps: Iterable<readonly string[]>, push: (bytes: Buffer) => void): Promise<void> => {
    for (const roles of steps) {
      push(filter.take());
      await options.onRoles(roles);
    }
    push(filter.take());
  };
  return new Transform({
    writableHighWaterMark: 1024 * 1024,
    readableHighWaterMark: 1024 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      drain(filter.write(chunk), (bytes) => bytes.length > 0 && this.push(bytes)).then(() => done(), done);
    },
    flush(done) {
      drain(filter.end(), (bytes) => bytes.length > 0 && this.push(bytes)).then(() => done(), done);
    },
  });
}

class PlainFilter {
  readonly #lexer = new PsqlLexer();
  readonly #roles = new Set<string>();
  #database: string | undefined;
  #out: Buffer[] = [];
  /** Bytes of the line under way. */
  #line: Buffer[] = [];
  /** Bytes of the statement under way, and of the comments before it. */
  #pending: Buffer[] = [];
  /** How many at the end of `#pending` were not yet made one. */
  #smallPieces = 0;
  #heldBytes = 0;
  /** The data under way. */
  #copying: CopyData | undefined;
  #encoding: string | undefined;
  #footer = false;
  #firstLine = true;
  #mustConnect = false;

  readonly #endsIn: Buffer;
  readonly #rule: StatementRule | undefined;

  constructor({ database, footer = PLAIN_FOOTER, rule }: PlainFilterOptions) {
    this.#database = database;
    this.#endsIn = footer;
    this.#rule = rule;
  }

  /** What may pass by now. */
  take(): Buffer {
    const [only] = this.#out;
    const bytes = this.#out.length === 1 && only !== undefined ? only : Buffer.concat(this.#out);
    this.#out = [];
    return bytes;
  }

  /** Yields roles that must be there before anything taken later passes. */
  *write(chunk: Buffer): Generator<readonly string[]> {
    if (chunk.includes(0))
      throw new MusterError(
        'corrupt',
        'The dump holds a zero byte, which no plain dump does. Take another backup.',
      );
    let at = 0;
    while (at < chunk.length) {
      if (this.#copying) {
        const { passed, next } = this.#copying.pass(chunk, at);
        this.#out.push(passed);
        if (this.#copying.ended) this.#copying = undefined;
        at = next;
        continue;
      }
      const end = chunk.indexOf(LF, at);
      const piece = chunk.subarray(at, end < 0 ? chunk.length : end + 1);
      this.#hold(piece.length);
      at += piece.length;
      if (end < 0) {
        this.#line.push(piece);
      } else if (this.#line.length === 0) {
        yield* this.#sql(piece);
      } else {
        const line = Buffer.concat([...this.#line, piece]);
        this.#line = [];
        yield* this.#sql(line);
      }
    }
  }

  *end(): Generator<readonly string[]> {
    const cut = (where: string): MusterError =>
      new MusterError('truncated', `The dump ends ${where}. Take another backup.`);
    if (this.#copying) throw cut('inside the data of a table');
    if (this.#line.length > 0) {
      const line = Buffer.concat(this.#line);
      // A dump ends in a line's end, so this line was cut, and means nothing if it is not the very last one.
      if (!this.#footer && !this.#isFooter(line)) throw cut('inside a line');
      if (!/^\\unrestrict [A-Za-z0-9]*$/.test(line.toString('latin1'))) yield* this.#sql(line);
    }
    if (this.#copying || this.#lexer.quoted || this.#lexer.begun) throw cut('inside a statement');
    if (!this.#footer) throw cut('before the line that pg_dump writes at its end');
    this.#pass(this.#release());
  }

  #isFooter(line: Buffer): boolean {
    return line.subarray(0, this.#endsIn.length).equals(this.#endsIn);
  }

  #pass(pieces: readonly Buffer[]): void {
    for (const piece of pieces) this.#out.push(piece);
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    if (this.#heldBytes > MAX_STATEMENT_BYTES) {
      throw new MusterError(
        'unsupported_dump',
        `The dump holds a statement of more than ${MAX_STATEMENT_BYTES / 1024 / 1024} MiB. Dump in the custom format, or without --inserts.`,
      );
    }
  }

  #keep(piece: Buffer): void {
    if (this.#smallPieces === MAX_SMALL_PIECES) {
      this.#pending.push(Buffer.concat(this.#pending.splice(-MAX_SMALL_PIECES)));
      this.#smallPieces = 0;
    }
    this.#pending.push(piece);
    this.#smallPieces += 1;
  }

  /** What was held of the statement under way, which is over. */
  #release(): readonly Buffer[] {
    const bytes = this.#pending;
    this.#pending = [];
    this.#smallPieces = 0;
    this.#heldBytes = 0;
    return bytes;
  }

  /** One whole line, its end included. */
  *#sql(whole: Buffer): Generator<readonly string[]> {
    const lexer = this.#lexer;
    const mark = this.#firstLine && whole[0] === 0xef && whole[1] === 0xbb && whole[2] === 0xbf;
    const line = mark ? whole.subarray(3) : whole;
    this.#firstLine = false;
    if (lexer.idle && this.#isFooter(line)) this.#footer = true;
    let start = 0;
    let begunHere = !lexer.begun;
    while (start < line.length) {
      const { stop, next } = lexer.scan(line, start);
      if (stop === 'backslash') {
        if (lexer.begun || lexer.quoted || line.subarray(0, next).toString('latin1').trim() !== '')
          throw metaCommand();
        this.#meta(line.toString('utf8', next).trim());
        this.#pass(this.#release());
        lexer.reset();
        return;
      }
      if (this.#mustConnect && lexer.begun) throw metaCommand();
      if (lexer.begun) this.#footer = false;
      this.#keep(line.subarray(start, next));
      if (stop === 'semicolon') {
        yield* this.#statement(begunHere ? line.subarray(0, next - 1) : undefined, line.subarray(next));
        begunHere = true;
        if (this.#copying) {
          // What is left of the line is its end; data begin on the next one.
          this.#out.push(line.subarray(next));
          return;
        }
      }
      start = next;
    }
  }

  /** `line`: up to the statement's `;`, if all of it lies in one line; `rest`: of the line, after the `;`. */
  *#statement(line: Buffer | undefined, rest: Buffer): Generator<readonly string[]> {
    const lexer = this.#lexer;
    const { highBytes, stringDoubt } = lexer;
    const tokens = withoutSemicolon(lexer.tokens);
    lexer.reset();
    const bytes = this.#release();
    const ruled = tokens.length > 0 ? this.#rule?.(tokens, line) : undefined;
    if (ruled === 'drop') return;
    if (tokens.length > 0 && tokens[0]?.kind === 'word') {
      if (this.#dropped(tokens)) return;
      this.#follow(tokens, rest);
      const roles = rolesOfStatement(tokens).filter((role) => !this.#roles.has(role));
      if (roles.length > 0) {
        for (const role of roles) this.#roles.add(role);
        yield [...new Set(roles)];
      }
    }
    const guards = [
      ...(highBytes
        ? [
            this.#encoding === undefined
              ? 'RESET client_encoding;'
              : `SET client_encoding = '${this.#encoding}';`,
          ]
        : []),
      ...(stringDoubt ? [`SET standard_conforming_strings = ${lexer.standardStrings ? 'on' : 'off'};`] : []),
    ];
    // psql looks both up once per line, so they stand on a line of their own.
    if (guards.length > 0) this.#out.push(Buffer.from(`\n${guards.join('\n')}\n`));
    const rewritten = ruled ?? (line === undefined ? undefined : rewriteForEmptyDatabase(line, tokens));
    if (rewritten === undefined) {
      this.#pass(bytes);
    } else {
      this.#pass([...bytes.slice(0, -1), Buffer.from('\n'), rewritten, Buffer.from(';')]);
    }
  }

  /** The database is made by us, under its own name, owned by us, on the scratch's own disk. */
  #dropped(tokens: readonly Token[]): boolean {
    const [first, second] = tokens.map(({ text }) => text);
    if (first === 'set' && second === 'default_tablespace') return tokens.at(-1)?.text !== '';
    if (second !== 'database' || !(first === 'create' || first === 'drop' || first === 'alter')) return false;
    const exists = tokens[2]?.text === 'if' && tokens[2].kind === 'word' ? 2 : 0;
    this.#own(tokens[2 + exists]?.text ?? '');
    return first !== 'alter' || tokens[3]?.text !== 'set' || tokens[4]?.text === 'tablespace';
  }

  #own(database: string): void {
    this.#database ??= database;
    if (database === this.#database) return;
    throw new MusterError(
      'unsupported_dump',
      'The dump holds more than one database. Dump each one by itself with pg_dump.',
    );
  }

  /** Follows the settings that change how psql reads on, and COPY. */
  #follow(tokens: readonly Token[], rest: Buffer): void {
    const endsLine = rest.length === 0 || /^[ \t]*\r?\n?$/.test(rest.toString('latin1'));
    const words = tokens.map(({ kind, text }) => (kind === 'word' || kind === 'symbol' ? text : ''));
    if (words[0] === 'copy') {
      if (!isCopyFromStdin(tokens) || !/^\r?\n$/.test(rest.toString('latin1'))) {
        throw unsupported('a COPY that is not from the dump itself in the text format');
      }
      this.#copying = new CopyData();
      return;
    }
    const setting = words.find(
      (word) => word === 'client_encoding' || word === 'standard_conforming_strings' || word === 'names',
    );
    if (words[0] === 'reset' && (setting !== undefined || words[1] === 'all'))
      throw unsupported('a RESET of its settings');
    if (words[0] === 'discard') throw unsupported('DISCARD');
    if (words[0] !== 'set' || setting === undefined) return;
    const value = tokens.at(-1)?.text ?? '';
    if (
      tokens.length !== 4 ||
      words[1] !== setting ||
      !(words[2] === '=' || words[2] === 'to') ||
      !endsLine
    ) {
      throw unsupported(`an unusual way to set ${setting}`);
    }
    if (setting === 'standard_conforming_strings') {
      if (value !== 'on' && value !== 'off')
        throw unsupported('an unusual value of standard_conforming_strings');
      this.#lexer.standardStrings = value === 'on';
      return;
    }
    const encoding = serverEncoding(value);
    if (encoding === undefined)
      throw unsupported(`the encoding ${JSON.stringify(value)}, in which a quote may be half a letter`);
    this.#encoding = encoding;
    this.#lexer.decode = decoderFor(encoding);
  }

  /** pg_dump writes just these, each on a line of its own. */
  #meta(command: string): void {
    if (/^\\(un)?restrict [A-Za-z0-9]+$/.test(command)) return;
    if (command === '\\encoding SQL_ASCII') {
      this.#mustConnect = true;
      return;
    }
    const database = connectTarget(command);
    if (database === undefined) throw metaCommand();
    this.#mustConnect = false;
    this.#own(database);
  }
}

const metaCommand = (): MusterError =>
  new MusterError(
    'meta_command',
    'The dump holds a command for psql itself that pg_dump does not write. It was edited or made by something else.',
  );

const unsupported = (what: string): MusterError =>
  new MusterError(
    'unsupported_dump',
    `The dump holds ${what}, which pg_dump does not write. Restore it by hand, or dump anew.`,
  );
