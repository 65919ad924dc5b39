import { MusterError } from '@muster/core';
import { serverEncoding } from '../format/encoding.js';
import { quoteIdentifier } from '../format/roles.js';
import type { Toc } from '../format/toc.js';
import type { Token } from '../plain/psql-lexer.js';
import { statementsOf } from '../plain/sql-statements.js';

/** How a database was made. Values are as the dump spells them and not to be trusted. */
export interface DatabaseShape {
  /** e.g. `UTF8`, `LATIN1`, `SQL_ASCII`. */
  readonly encoding?: string;
  readonly provider?: 'libc' | 'icu' | 'builtin';
  readonly collate?: string;
  readonly ctype?: string;
  /** Locale of the provider `icu` or `builtin`. */
  readonly locale?: string;
  readonly icuRules?: string;
}

/** The shape that a table of contents tells: its DATABASE entry, else its ENCODING entry. */
export function shapeOf(toc: Toc): DatabaseShape {
  const defn = (desc: string): string => toc.entries.find((entry) => entry.desc === desc)?.defn ?? '';
  return { ...shapeOfSql(defn('ENCODING')), ...shapeOfSql(defn('DATABASE')) };
}

/** The shape that the statements of a dump's beginning tell: `SET client_encoding`, and `CREATE DATABASE` if it is there. */
export function shapeOfSql(sql: string): DatabaseShape {
  return Object.assign({}, ...statementsOf(sql).map(({ tokens }) => shapeOfStatement(tokens)));
}

/** As {@link shapeOfSql}, for one statement; empty for any other. */
export function shapeOfStatement(tokens: readonly Token[]): DatabaseShape {
  const [first, second, third, fourth] = tokens;
  if (
    first?.text === 'set' &&
    second?.text === 'client_encoding' &&
    (third?.text === '=' || third?.text === 'to')
  ) {
    return fourth === undefined ? {} : { encoding: fourth.text };
  }
  if (first?.text !== 'create' || second?.text !== 'database') return {};
  const value = (option: string): string | undefined => {
    const at = tokens.findIndex((token, i) => i >= 3 && token.kind === 'word' && token.text === option);
    const equals = tokens[at + 1]?.text === '=' ? 1 : 0;
    return at < 0 ? undefined : tokens[at + 1 + equals]?.text;
  };
  const locale = value('locale');
  const provider = value('locale_provider');
  const found = {
    encoding: value('encoding'),
    provider: provider === 'icu' || provider === 'builtin' || provider === 'libc' ? provider : undefined,
    collate: value('lc_collate') ?? locale,
    ctype: value('lc_ctype') ?? locale,
    locale:
      value('icu_locale') ??
      value('builtin_locale') ??
      (provider === 'icu' || provider === 'builtin' ? locale : undefined),
    icuRules: value('icu_rules'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, given]) => given !== undefined));
}

/**
 * Our own `CREATE DATABASE`, every word of it chosen or quoted by us; without a final `;`. Where the dump does not tell, collation is by bytes.
 * @throws `corrupt` for an encoding that no PostgreSQL server has.
 */
export function createDatabaseStatement(shape: DatabaseShape, name: string): string {
  const encoding = serverEncoding(shape.encoding ?? 'UTF8');
  if (encoding === undefined) {
    throw new MusterError(
      'corrupt',
      `The dump asks for the encoding ${JSON.stringify(shape.encoding)}, which no PostgreSQL server has.`,
    );
  }
  const fallback = encoding === 'UTF8' ? 'C.UTF-8' : 'C';
  const options = [
    ['TEMPLATE', 'template0'],
    ['ENCODING', quoteLiteral(encoding)],
    ...(shape.provider === undefined || shape.provider === 'libc'
      ? []
      : [['LOCALE_PROVIDER', shape.provider]]),
    ['LC_COLLATE', quoteLiteral(shape.collate ?? fallback)],
    ['LC_CTYPE', quoteLiteral(shape.ctype ?? fallback)],
    ...(shape.locale === undefined || shape.provider === undefined || shape.provider === 'libc'
      ? []
      : [[shape.provider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE', quoteLiteral(shape.locale)]]),
    ...(shape.icuRules === undefined || shape.provider !== 'icu'
      ? []
      : [['ICU_RULES', quoteLiteral(shape.icuRules)]]),
  ];
  return `CREATE DATABASE ${quoteIdentifier(name)} WITH ${options.map((pair) => pair.join(' = ')).join(' ')}`;
}

/** A literal that reads the same whatever `standard_conforming_strings` is. */
const quoteLiteral = (text: string): string => {
  const doubled = text.replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
};
