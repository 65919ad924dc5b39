import { statfs } from 'node:fs/promises';
import { MusterError } from '@muster/core';
import type pg from 'pg';
import type { TargetSurvey } from '../../target/target.js';
import { parseConnectionUri } from '../live/connection-uri.js';
import type { DatabaseShape } from '../restore/create-database.js';
import { type Login, logIn, withLogin } from './login.js';
import { besideName, readMarker } from './names.js';

/** What is known of a PostgreSQL target, beyond the contract. */
export interface PostgresSurvey extends TargetSurvey {
  readonly login: Login;
  readonly superuser: boolean;
  readonly mayCreate: boolean;
  /** The user may rename what is there. */
  readonly owns: boolean;
  /** Of what is there, else of the server's own template. */
  readonly shape: DatabaseShape;
  /** Free where the server keeps its data; absent where nobody here can tell. */
  readonly freeBytes?: number;
}

/** Objects of a database that are its owner's, and neither the server's nor an extension's. */
const OWN = (catalog: string, alias: string, namespace: string) => `
  SELECT 1 FROM pg_catalog.${catalog} ${alias} JOIN pg_catalog.pg_namespace n ON n.oid = ${alias}.${namespace}
  WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND d.objid = ${alias}.oid AND d.deptype = 'e')`;

/** Catalogs of what needs no table to be somebody's work, and may lie in no schema. */
const OTHERS = [
  ...['pg_operator', 'pg_collation', 'pg_conversion', 'pg_ts_config', 'pg_ts_dict', 'pg_cast', 'pg_language'],
  ...['pg_foreign_data_wrapper', 'pg_foreign_server', 'pg_publication', 'pg_event_trigger', 'pg_default_acl'],
];

/** Those that were made after the cluster was, and not by an extension. */
const OTHER = (catalog: string) => `
  SELECT 1 FROM pg_catalog.${catalog} o WHERE o.oid >= 16384 AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND d.objid = o.oid AND d.deptype = 'e')`;

const INSIDE = `
SELECT
  (SELECT count(*) FROM (${OWN('pg_class', 'c', 'relnamespace')} AND c.relkind IN ('r', 'p', 'f', 'm')) AS t)::text AS tables,
  (SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')::text AS rows,
  pg_catalog.pg_database_size(pg_catalog.current_database())::text AS bytes,
  (EXISTS (${OWN('pg_class', 'c', 'relnamespace')}) OR EXISTS (${OWN('pg_proc', 'p', 'pronamespace')})
    OR EXISTS (${OWN('pg_type', 't', 'typnamespace')}) OR EXISTS (${OTHERS.map(OTHER).join(' UNION ALL ')}) OR EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
    OR EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname NOT IN ('public', 'information_schema') AND nspname !~ '^pg_'))::text AS full`;

const BESIDE = `
SELECT pg_catalog.current_setting('server_version_num') AS number, pg_catalog.current_setting('server_version') AS version,
  pg_catalog.pg_is_in_recovery()::text AS standby, pg_catalog.current_setting('default_transaction_read_only') AS read_only,
  r.rolsuper::text AS superuser, (r.rolcreatedb OR r.rolsuper)::text AS creates,
  (SELECT pg_catalog.to_jsonb(d) FROM pg_catalog.pg_database d WHERE d.datname = $1)::text AS target,
  (SELECT pg_catalog.to_jsonb(d) FROM pg_catalog.pg_database d WHERE d.datname = 'template1')::text AS template,
  (SELECT pg_catalog.pg_has_role(d.datdba, 'USAGE') FROM pg_catalog.pg_database d WHERE d.datname = $1)::text AS owns,
  (SELECT pg_catalog.pg_encoding_to_char(d.encoding) FROM pg_catalog.pg_database d WHERE d.datname IN ($1, 'template1')
    ORDER BY d.datname = $1 DESC LIMIT 1) AS encoding,
  (SELECT pg_catalog.shobj_description(d.oid, 'pg_database') FROM pg_catalog.pg_database d WHERE d.datname = $2) AS left
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`;

/** {@link TargetDriver.survey} of PostgreSQL. */
export async function surveyTarget(text: string, signal: AbortSignal): Promise<PostgresSurvey> {
  const uri = parseConnectionUri(text);
  const name = uri.database;
  if (name === 'template0' || name === 'template1')
    throw new MusterError('usage', `Nothing is restored into ${name}: it is what new databases are made of.`);
  const login = await logIn(uri, signal);
  const facts = await withLogin(login, login.maintenance, signal, (client) => askBeside(client, name));
  const { target } = facts;
  if (target?.datallowconn === false)
    throw new MusterError(
      'target_read_only',
      `The database ${JSON.stringify(name)} lets nobody in: ALTER DATABASE … ALLOW_CONNECTIONS true, or name another target.`,
    );
  const inside = target && (await withLogin(login, name, signal, askInside));
  const isEmpty = inside?.isEmpty ?? true;
  return {
    ...facts.survey,
    ...(inside ?? { tables: 0, rows: 0, bytes: 0 }),
    isEmpty,
    name,
    place: placeOf(login),
    exists: target !== undefined,
    fate: isEmpty
      ? 'Nothing is overwritten.'
      : `It stays as it is until the backup is whole in a database beside it; then the two change names, and what is there now is kept.`,
    login,
    ...(await freeBytesOf(login, signal)),
  };
}

const placeOf = ({ host: { host, port } }: Login): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

interface DatabaseRow {
  readonly datallowconn?: boolean;
  readonly datcollate?: string;
  readonly datctype?: string;
  readonly datlocprovider?: string;
  readonly datlocale?: string;
  readonly daticulocale?: string;
}

async function askBeside(client: pg.Client, name: string) {
  const { rows } = await client.query<Record<string, string | null>>(BESIDE, [name, besideName(name)]);
  const [row] = rows;
  if (row === undefined)
    throw new MusterError('target_unreachable', 'The target does not know its own user.');
  const target = rowOf(row['target']);
  const marker = readMarker(row['left']);
  const readOnly =
    row['standby'] === 'true'
      ? 'it is a standby, which only replays what its primary writes'
      : row['read_only'] === 'on'
        ? 'default_transaction_read_only is on'
        : undefined;
  return {
    target,
    survey: {
      serverVersion: row['version']?.split(' ')[0] ?? '',
      major: Math.floor(Number(row['number']) / 10_000),
      superuser: row['superuser'] === 'true',
      mayCreate: row['creates'] === 'true',
      owns: row['owns'] !== 'false',
      shape: shapeOf(target ?? rowOf(row['template']) ?? {}, row['encoding'] ?? 'UTF8'),
      ...(readOnly !== undefined && { readOnly }),
      ...(marker && { left: { ...marker, where: besideName(name) } }),
    },
  };
}

const rowOf = (text: string | null | undefined): DatabaseRow | undefined =>
  text ? (JSON.parse(text) as DatabaseRow) : undefined;

const PROVIDERS: Readonly<Record<string, DatabaseShape['provider']>> = { i: 'icu', b: 'builtin', c: 'libc' };

function shapeOf(row: DatabaseRow, encoding: string): DatabaseShape {
  const provider = PROVIDERS[row.datlocprovider ?? 'c'] ?? 'libc';
  const locale = row.datlocale ?? row.daticulocale;
  return {
    encoding,
    provider,
    ...(row.datcollate !== undefined && { collate: row.datcollate }),
    ...(row.datctype !== undefined && { ctype: row.datctype }),
    ...(locale && provider !== 'libc' && { locale }),
  };
}

async function askInside(client: pg.Client) {
  const { rows } = await client.query<{ tables: string; rows: string; bytes: string; full: string }>(INSIDE);
  const [row] = rows;
  return {
    tables: Number(row?.tables ?? 0),
    rows: Number(row?.rows ?? 0),
    bytes: Number(row?.bytes ?? 0),
    isEmpty: row?.full !== 'true',
  };
}

/** Only a server of this very machine lies on a disk that can be looked at from here. */
async function freeBytesOf(login: Login, signal: AbortSignal): Promise<{ readonly freeBytes?: number }> {
  const { host } = login.host;
  if (!host.startsWith('/') && host !== 'localhost' && host !== '127.0.0.1' && host !== '::1') return {};
  try {
    const directory = await withLogin(login, login.maintenance, signal, async (client) => {
      const { rows } = await client.query<{ directory: string }>(
        "SELECT pg_catalog.current_setting('data_directory') AS directory",
      );
      return rows[0]?.directory ?? '';
    });
    const { bavail, bsize } = await statfs(directory);
    return { freeBytes: bavail * bsize };
  } catch {
    // Nobody here may know, or it lies in a container.
    return {};
  }
}

export const isEmptyDatabase = async (client: pg.Client): Promise<boolean> =>
  (await askInside(client)).isEmpty;
