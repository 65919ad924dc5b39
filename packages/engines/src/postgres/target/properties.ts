import { MusterError } from '@muster/core';
import pg from 'pg';
import { quoteIdentifier } from '../format/roles.js';

/** Their values are lists of names, each a word or quoted; one literal would be one name. */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'temp_tablespaces',
]);

/** Owner, grants, connection limit and settings of the database itself stay what they were. */
export async function carryOver(client: pg.Client, from: string, to: string): Promise<void> {
  await carryOwner(client, from, to);
  const { rows: limits } = await client.query<{ most: string }>(
    'SELECT datconnlimit::text AS most FROM pg_catalog.pg_database WHERE datname = $1',
    [from],
  );
  for (const { most } of limits)
    await client.query(`ALTER DATABASE ${quoteIdentifier(to)} CONNECTION LIMIT ${Number(most)}`);
  for (const statement of await settingsOf(client, from, to)) await client.query(statement);
}

async function carryOwner(client: pg.Client, from: string, to: string): Promise<void> {
  const name = quoteIdentifier(to);
  const { rows: owners } = await client.query<{ owner: string; open: string }>(
    `SELECT pg_catalog.pg_get_userbyid(datdba) AS owner, (datacl IS NULL)::text AS open FROM pg_catalog.pg_database WHERE datname = $1`,
    [from],
  );
  const [old] = owners;
  if (old === undefined) return;
  await client.query(`ALTER DATABASE ${name} OWNER TO ${quoteIdentifier(old.owner)}`);
  if (old.open === 'true') return;
  const { rows: grants } = await client.query<{ grantee: string | null; right: string; option: string }>(
    `SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee) END AS grantee,
      a.privilege_type AS right, a.is_grantable::text AS option
     FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a WHERE d.datname = $1`,
    [from],
  );
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  for (const { grantee, right, option } of grants)
    await client.query(
      `GRANT ${right} ON DATABASE ${name} TO ${grantee === null ? 'PUBLIC' : quoteIdentifier(grantee)}${option === 'true' ? ' WITH GRANT OPTION' : ''}`,
    );
}

/**
 * Statements that set for the database `to`, and for roles in it, what is set for `from`. The values are written out: a
 * session that took them on to pass them on would act by them.
 */
export async function settingsOf(client: pg.Client, from: string, to: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ role: string | null; name: string; value: string }>(
    `SELECT CASE WHEN s.setrole = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(s.setrole) END AS role,
      pg_catalog.split_part(c, '=', 1) AS name, pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1) AS value
     FROM pg_catalog.pg_database d JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase = d.oid, pg_catalog.unnest(s.setconfig) c
     WHERE d.datname = $1`,
    [from],
  );
  const database = quoteIdentifier(to);
  return rows.map(({ role, name, value }) => {
    const whose =
      role === null ? `DATABASE ${database}` : `ROLE ${quoteIdentifier(role)} IN DATABASE ${database}`;
    const setting = name.split('.').map(quoteIdentifier).join('.');
    return `ALTER ${whose} SET ${setting} TO ${LISTS.has(name) ? listOf(value) : pg.escapeLiteral(value)}`;
  });
}

/** `public, "Odd one"` as the server keeps it, as literals of SQL. */
function listOf(value: string): string {
  const names = [...value.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map(
    ([, quoted, word]) => quoted?.replaceAll('""', '"') ?? word ?? '',
  );
  return (names.length === 0 ? [''] : names).map((name) => pg.escapeLiteral(name)).join(', ');
}

/**
 * Whether the server would take them, which it is asked before the restore and not behind it.
 * @throws `target_rights_missing`, `restore_failed`.
 */
export async function requireSettable(client: pg.Client, statements: readonly string[]): Promise<void> {
  if (statements.length === 0) return;
  try {
    await client.query("BEGIN; SET LOCAL lock_timeout = '5s'");
    for (const statement of statements) await client.query(statement);
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError)) throw cause;
    const known = { cause, output: cause.message };
    throw cause.code === FORBIDDEN
      ? new MusterError(
          'target_rights_missing',
          'The user of --into may not set what is set for the database, or for a role in it (\\drds of psql shows it). Name a superuser.',
          known,
        )
      : new MusterError(
          'restore_failed',
          `What is set for the database, or for a role in it, is refused by the target (SQLSTATE ${cause.code}).`,
          known,
        );
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

/** insufficient_privilege */
const FORBIDDEN = '42501';
