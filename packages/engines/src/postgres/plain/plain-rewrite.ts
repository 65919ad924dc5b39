import type { Token } from './psql-lexer.js';

/** `DROP` of these takes `IF EXISTS` after as many words. */
const TWO_WORDS = new Set([
  'materialized view',
  'foreign table',
  'event trigger',
  'access method',
  'operator class',
  'operator family',
  'user mapping',
  'procedural language',
  'text search',
  'foreign data',
]);

/**
 * Statements of healthy dumps that fail on an empty database: `CREATE SCHEMA public`, and what `pg_dump --clean` drops. They
 * get `IF [NOT] EXISTS`, as pg_dump --if-exists would give them.
 *
 * @param line - the line that holds all of the statement, up to its `;`.
 * @returns the statement without its `;`, or undefined to leave it alone.
 */
export function rewriteForEmptyDatabase(line: Buffer, tokens: readonly Token[]): Buffer | undefined {
  const words = tokens.slice(0, 8).map(({ kind, text }) => (kind === 'word' ? text : ''));
  const [first, second, third] = words;
  if (first === 'create' && second === 'schema' && tokens.length === 3 && tokens[2]?.text === 'public') {
    return Buffer.from('CREATE SCHEMA IF NOT EXISTS public');
  }
  if (first === 'drop' && second !== 'owned') {
    const kind = `${second} ${third}`;
    // TEXT SEARCH … and FOREIGN DATA WRAPPER have three words.
    const length = kind === 'text search' || kind === 'foreign data' ? 3 : TWO_WORDS.has(kind) ? 2 : 1;
    return words[length + 1] === 'if' ? undefined : insert(line, tokens, [length + 1]);
  }
  if (first === 'alter' && (second === 'table' || (second === 'foreign' && third === 'table'))) {
    const drop = tokens.findIndex(({ kind, text }, i) => i > 2 && kind === 'word' && text === 'drop');
    if (drop < 0) return undefined;
    const target = second === 'foreign' ? 3 : 2;
    const what = tokens[drop + 1]?.text;
    const guarded = words[target] === 'if' || tokens[drop + 2]?.text === 'if';
    if (guarded) return undefined;
    return insert(line, tokens, what === 'constraint' || what === 'column' ? [target, drop + 2] : [target]);
  }
  if (first === 'select' && tokens.length === 1) return unlink(line, tokens);
  return undefined;
}

/** A large object that is not there is no fault: `lo_unlink('1')` as pg_dump --if-exists writes it. */
function unlink(line: Buffer, tokens: readonly Token[]): Buffer | undefined {
  const text = line.toString('latin1', tokens[0]?.start);
  const oid = /^SELECT pg_catalog\.lo_unlink\('(\d{1,10})'\)$/.exec(text)?.[1];
  if (oid === undefined) return undefined;
  return Buffer.from(
    `SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '${oid}'`,
  );
}

/** Puts `IF EXISTS` before the tokens at these places. */
function insert(line: Buffer, tokens: readonly Token[], places: readonly number[]): Buffer | undefined {
  let from = tokens[0]?.start ?? 0;
  const pieces: Buffer[] = [];
  for (const place of places) {
    const start = tokens[place]?.start;
    if (start === undefined) return undefined;
    pieces.push(line.subarray(from, start), Buffer.from('IF EXISTS '));
    from = start;
  }
  return Buffer.concat([...pieces, line.subarray(from)]);
}
