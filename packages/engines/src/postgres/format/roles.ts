import type { Token } from '../plain/psql-lexer.js';
import { statementsOf } from '../plain/sql-statements.js';
import type { Toc, TocEntry } from './toc.js';

/** Words that stand where a role's name may and are none. */
const NOT_ROLES = new Set([
  'public',
  'current_user',
  'session_user',
  'current_role',
  'user',
  'none',
  'default',
]);

/** Roles that one statement names (its tokens, without the final `;`). Never PUBLIC, CURRENT_USER …, or predefined ones. */
export function rolesOfStatement(tokens: readonly Token[]): readonly string[] {
  const word = (at: number): string | undefined =>
    tokens[at]?.kind === 'word' ? tokens[at].text : undefined;
  const find = (name: string, from = 0): number =>
    tokens.findIndex((_, at) => at >= from && word(at) === name);
  const list = (at: number): readonly string[] => (at < 0 ? [] : namesAt(tokens, at));
  const after = (...names: readonly string[]): readonly string[] => {
    for (let at = 0; at < tokens.length; at += 1) {
      if (names.every((name, i) => word(at + i) === name)) return list(at + names.length);
    }
    return [];
  };

  switch (word(0)) {
    case 'grant':
    case 'revoke': {
      const last = tokens.findLastIndex((_, at) => word(at) === (word(0) === 'grant' ? 'to' : 'from'));
      return [...(last < 0 ? [] : list(last + 1)), ...after('granted', 'by')];
    }
    case 'alter': {
      if (word(1) === 'default' && word(2) === 'privileges') {
        const grant = tokens.findIndex((_, at) => word(at) === 'grant' || word(at) === 'revoke');
        const grantees = grant < 0 ? [] : rolesOfStatement(tokens.slice(grant));
        return [...after('for', 'role'), ...after('for', 'user'), ...grantees];
      }
      if (word(1) === 'user' && word(2) === 'mapping') return after('for');
      if ((word(1) === 'role' || word(1) === 'user') && word(3) === 'in') return list(2);
      if (word(1) === 'policy') return after('to');
      return after('owner', 'to');
    }
    case 'create': {
      if (word(1) === 'policy') return after('to');
      if (word(1) === 'user' && word(2) === 'mapping') return after('for');
      return word(1) === 'schema' ? after('authorization') : [];
    }
    case 'set': {
      const role = find('role');
      if (role > 0 && role <= 2) return [...stringAt(tokens, role + 1), ...list(role + 1)];
      const authorization = find('authorization');
      if (authorization < 0) return [];
      return [...stringAt(tokens, authorization + 1), ...list(authorization + 1)];
    }
    case 'reassign':
    case 'drop':
      return after('owned', 'by');
    default:
      return [];
  }
}

/** `a, "B", GROUP c` from `at` on. */
function namesAt(tokens: readonly Token[], at: number): readonly string[] {
  const names: string[] = [];
  for (let i = at; i < tokens.length; i += 2) {
    if (tokens[i]?.kind === 'word' && tokens[i]?.text === 'group' && tokens[i + 1]?.text !== ',') i += 1;
    const token = tokens[i];
    if (token === undefined || (token.kind !== 'word' && token.kind !== 'ident')) break;
    if (isRole(token)) names.push(token.text);
    if (tokens[i + 1]?.text !== ',') break;
  }
  return names;
}

const stringAt = (tokens: readonly Token[], at: number): readonly string[] => {
  const token = tokens[at];
  return token?.kind === 'string' && isRole(token) && token.text !== 'none' ? [token.text] : [];
};

const isRole = ({ kind, text }: Token): boolean =>
  text !== '' && !text.startsWith('pg_') && !(kind === 'word' && NOT_ROLES.has(text)) && text !== 'public';

/** Kinds of entries whose text names roles other than their owner's. */
const NAMES_ROLES = new Set([
  'ACL',
  'DEFAULT ACL',
  'POLICY',
  'USER MAPPING',
  'SCHEMA',
  'DATABASE PROPERTIES',
]);

/** Roles that the archive names: owners, grants, policies. Never PUBLIC or predefined ones (`pg_*`). */
export function rolesOf(toc: Toc): readonly string[] {
  const roles = new Set<string>();
  for (const { desc, owner, defn } of toc.entries) {
    if (owner !== undefined && !owner.startsWith('pg_')) roles.add(owner);
    if (!NAMES_ROLES.has(desc)) continue;
    for (const { tokens } of statementsOf(defn)) for (const role of rolesOfStatement(tokens)) roles.add(role);
  }
  return [...roles];
}

/** Of the database itself, which pg_restore restores only with --create. */
const isOfDatabase = ({ desc, tag }: TocEntry): boolean =>
  /^DATABASE(?: PROPERTIES)?$/.test(desc) || (tag.startsWith('DATABASE ') && WITHIN.has(desc));
const WITHIN = new Set(['ACL', 'COMMENT', 'SECURITY LABEL']);

/**
 * Those of {@link rolesOf} as which it is restored: owners, also of default privileges. Who is only granted something, or
 * named by a policy, has to be there and no more.
 */
export function ownersOf(toc: Toc): readonly string[] {
  const owners = toc.entries.flatMap((entry) =>
    entry.owner === undefined || isOfDatabase(entry) ? [] : [entry.owner],
  );
  return [...new Set(owners)].filter((owner) => !owner.startsWith('pg_'));
}

/** Names of extensions it makes, in order. */
export const extensionsOf = (toc: Toc): readonly string[] =>
  toc.entries.filter(({ desc }) => desc === 'EXTENSION').map(({ tag }) => tag);

/**
 * SQL statements that set the database's own properties (`ALTER DATABASE … SET …`, `ALTER ROLE … IN DATABASE … SET …`), which
 * pg_restore runs only with --create, each rewritten to name `database`. What would keep people out (a limit of connections,
 * a template) is left out: the checks must get in.
 */
export function databasePropertiesOf(toc: Toc, database: string): readonly string[] {
  return toc.entries
    .filter(({ desc }) => desc === 'DATABASE PROPERTIES')
    .flatMap(({ defn }) => statementsOf(defn))
    .flatMap(({ tokens, text }) => {
      const name = tokens.findIndex((token) => token.kind === 'word' && token.text === 'database') + 1;
      const [first, second, last] = [tokens[0]?.text, tokens[1]?.text, tokens[name]];
      const ours =
        first === 'alter' && (second === 'database' || second === 'role') && tokens[name + 1]?.text === 'set';
      if (!ours || last === undefined) return [];
      const from = tokens[name + 1]?.start;
      return [{ text, first: tokens[0]?.start ?? 0, name: last.start, rest: from ?? 0 }];
    })
    .map(({ text, first, name, rest }) => {
      const bytes = Buffer.from(text);
      const head = bytes.toString('utf8', 0, name - first);
      return `${head}${quoteIdentifier(database)} ${bytes.toString('utf8', rest - first)}`;
    });
}

/** `"name"`, quoted as an identifier of SQL. */
export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
