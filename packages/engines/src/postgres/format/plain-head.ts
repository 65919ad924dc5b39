import { MusterError } from '@muster/core';
import type { HeadReader } from '../../bytes/head-reader.js';
import { formatOf, type Wrapper } from '../../bytes/wrapper.js';
import { PsqlLexer, type Token } from '../plain/psql-lexer.js';
import { withoutSemicolon } from '../plain/sql-statements.js';
import { newerMajor, type PostgresFacts } from '../postgres-facts.js';
import { type DatabaseShape, shapeOfStatement } from '../restore/create-database.js';

const HEAD_BYTES = 256 * 1024;
const TITLE = 'PostgreSQL database dump';
/** What pg_dump writes first, also behind the mark of UTF-8 that some editors add. */
const BEGINNING = `--\n-- ${TITLE}\n--\n`;
/** The statements before the first that makes an object. */
const PREAMBLE = new Set(['set', 'select']);

/**
 * Facts from the comments and first statements of a plain dump.
 * @throws `not_a_dump`, `truncated`, `unsupported_dump` (pg_dumpall), `corrupt`.
 */
export async function readPlainHead(reader: HeadReader, wrapper: Wrapper): Promise<PostgresFacts> {
  const bytes = await reader.atLeast(HEAD_BYTES);
  const text = bytes
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .replaceAll('\r\n', '\n');
  if (reader.ended && text.length < BEGINNING.length && BEGINNING.startsWith(text)) reader.short(cut());
  if (/^-- PostgreSQL database cluster dump$/m.test(text.slice(0, 4096))) {
    if (!WHOLE_CLUSTER.test(text)) return globalsFacts(wrapper);
    throw new MusterError(
      'unsupported_dump',
      'The file is a dump of a whole cluster (pg_dumpall). Dump each database by itself with pg_dump, and its roles beside them with `pg_dumpall --globals-only`.',
    );
  }
  if (!new RegExp(`^-- ${TITLE}$`, 'm').test(text.slice(0, 4096))) {
    reader.short(new MusterError('not_a_dump', 'The file is no dump of pg_dump in any of its formats.'));
  }
  const serverVersion = /^-- Dumped from database version (\S.*)$/m.exec(text)?.[1];
  const toolVersion = /^-- Dumped by pg_dump version (\S.*)$/m.exec(text)?.[1];
  if (serverVersion === undefined || toolVersion === undefined) {
    if (reader.ended && !text.includes(`${TITLE} complete`)) reader.short(cut());
    throw new MusterError(
      'unsupported_dump',
      'The dump does not say which version of PostgreSQL it is of: the comments that pg_dump writes at its beginning were taken out.',
    );
  }
  const { database, shape } = readPreamble(bytes);
  const createdAt = startedAt(text);
  return {
    format: formatOf('plain', wrapper),
    major: newerMajor(serverVersion, toolVersion),
    serverVersion,
    toolVersion,
    ...(createdAt === undefined ? {} : { createdAt }),
    databases: database === undefined ? [] : [database],
    container: 'plain',
    wrapper,
    shape,
  };
}

/** What pg_dumpall writes between the globals and the first database. */
const WHOLE_CLUSTER = /^(?:-- Databases|\\connect .*)$/m;

/** It tells no version: whatever server its dump needs restores it. */
const globalsFacts = (wrapper: Wrapper): PostgresFacts => ({
  format: formatOf('globals', wrapper),
  major: 0,
  globals: true,
  databases: [],
  container: 'plain',
  wrapper,
  shape: {},
});

const cut = (): MusterError =>
  new MusterError('truncated', 'The dump ends inside its first lines. Take another backup.');

/** `pg_dump --verbose` writes when it began, with a zone that only UTC can be told of. */
function startedAt(text: string): Date | undefined {
  const [, day, time] = /^-- Started on (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:UTC|GMT)$/m.exec(text) ?? [];
  const date = new Date(`${day}T${time}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** `SET client_encoding` and, of pg_dump -C, `CREATE DATABASE`: what stands before the first object. */
function readPreamble(bytes: Buffer): { readonly database?: string; readonly shape: DatabaseShape } {
  let found: { readonly database?: string; readonly shape: DatabaseShape } = { shape: {} };
  for (const tokens of firstStatements(bytes)) {
    const [first, second, third] = tokens;
    if (second?.text === 'database' && first?.text === 'create' && third !== undefined) {
      return { database: third.text, shape: { ...found.shape, ...shapeOfStatement(tokens) } };
    }
    if (second?.text !== 'database' && !PREAMBLE.has(first?.text ?? '')) return found;
    found = { ...found, shape: { ...found.shape, ...shapeOfStatement(tokens) } };
  }
  return found;
}

function* firstStatements(bytes: Buffer): Generator<readonly Token[]> {
  const lexer = new PsqlLexer();
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf('\n', start) + 1;
    if (end === 0) return;
    const line = bytes.subarray(start, end);
    for (let at = 0; at < line.length; ) {
      let scanned: ReturnType<PsqlLexer['scan']>;
      try {
        scanned = lexer.scan(line, at);
      } catch {
        // What cannot be read here is refused when it is restored.
        return;
      }
      if (scanned.stop === 'backslash') break;
      at = scanned.next;
      if (scanned.stop !== 'semicolon') continue;
      yield withoutSemicolon(lexer.tokens);
      lexer.reset();
    }
    start = end;
  }
}
