import type { Token } from '../plain/psql-lexer.js';
import { statementsOf } from '../plain/sql-statements.js';
import { quoteIdentifier } from './roles.js';
import type { Toc } from './toc.js';

/** The owner that the archive names for the database itself; undefined where it names none, or a predefined role. */
export const databaseOwnerOf = (toc: Toc): string | undefined =>
  toc.entries.find(({ desc, owner }) => desc === 'DATABASE' && owner?.startsWith('pg_') === false)?.owner;

/**
 * The grants of the database itself, each rewritten to name `database`. Made anew of words that are known, for the archive is
 * not to be trusted; `isWhole` is false where one is of another shape, which is left out.
 */
export function databaseGrantsOf(
  toc: Toc,
  database: string,
): { readonly statements: readonly string[]; readonly isWhole: boolean } {
  const all = toc.entries
    .filter(({ desc, tag }) => desc === 'ACL' && tag.startsWith('DATABASE '))
    .flatMap(({ defn }) => statementsOf(defn))
    .map(({ tokens }) => grantOf(tokens, database));
  const statements = all.filter((one) => one !== undefined);
  return { statements, isWhole: statements.length === all.length };
}

const SHAPE =
  /^(?:grant|revoke) (?:all|all privileges|(?:create|connect|temporary|temp)(?: , (?:create|connect|temporary|temp))*) on database $/;

/** `GRANT a, b ON DATABASE x TO y [WITH GRANT OPTION]`, or its `REVOKE … FROM y`. */
function grantOf(tokens: readonly Token[], database: string): string | undefined {
  const at = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'database');
  const head = tokens.slice(0, at + 1);
  const words = head.map(({ text }) => text).join(' ');
  const [name, direction, grantee, ...rest] = tokens.slice(at + 1);
  const to = head[0]?.text === 'grant' ? 'to' : 'from';
  const option = rest.map(({ text }) => text).join(' ');
  if (!SHAPE.test(`${words} `) || head.some(({ kind }) => kind === 'ident' || kind === 'string')) return;
  if (!isName(name) || direction?.text !== to || !isName(grantee)) return;
  if (option !== '' && !(to === 'to' && option === 'with grant option')) return;
  const who = grantee.kind === 'word' && grantee.text === 'public' ? 'PUBLIC' : quoteIdentifier(grantee.text);
  return `${words.toUpperCase()} ${quoteIdentifier(database)} ${to.toUpperCase()} ${who}${option && ' WITH GRANT OPTION'}`;
}

const isName = (token: Token | undefined): token is Token =>
  token?.kind === 'word' || token?.kind === 'ident';
