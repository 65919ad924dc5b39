import { MusterError } from '@muster/core';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import type { DrillIndex } from './drill-index.js';
import { indexFault } from './index-fault.js';
import { openIndex } from './kysely-index.js';
import { SCHEMA, type Tables } from './tables.js';

/**
 * The index in PostgreSQL, in a schema `muster` of its own, migrated. Connections are made anew after the server was away.
 * @param url `postgresql://…`; a directory of sockets as `postgresql:///name?host=/run/postgresql`.
 * @throws `index_unavailable`.
 */
export async function openPostgresIndex(url: string, signal: AbortSignal): Promise<DrillIndex> {
  const location = locationOf(url);
  const pool = new Pool({
    connectionString: url,
    application_name: 'muster',
    max: 4,
    connectionTimeoutMillis: 5000,
    statement_timeout: 30_000,
    // Where the network is gone, the server's own limit is not heard.
    query_timeout: 35_000,
    keepAlive: true,
  });
  // An idle connection that ended has left the pool already.
  pool.on('error', () => undefined);
  return openIndex(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), location, signal);
}

/**
 * Looks whether {@link openPostgresIndex} can work there, within 10 s, and makes nothing.
 * @returns where it is, and whether its tables are made. @throws `index_unavailable`.
 */
export async function probePostgresIndex(
  url: string,
): Promise<{ readonly location: string; readonly isMade: boolean }> {
  const location = locationOf(url);
  const client = new Client({
    connectionString: url,
    application_name: 'muster',
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
  });
  // One that ends while nothing is asked is found by what is asked next.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ made: boolean; may: boolean }>(PROBE);
    await client.end();
    const { made = false, may = false } = rows[0] ?? {};
    if (!may) throw Object.assign(new Error(), { code: '42501' });
    return { location, isMade: made };
  } catch (error) {
    void client.end().catch(() => undefined);
    throw indexFault(error, location);
  }
}

const TABLE = `to_regclass('${SCHEMA}.drills')`;
const PROBE = `SELECT ${TABLE} IS NOT NULL AS made, CASE WHEN ${TABLE} IS NULL
  THEN has_database_privilege(current_database(), 'CREATE')
  ELSE has_table_privilege(${TABLE}, 'SELECT') AND has_table_privilege(${TABLE}, 'INSERT') END AS may`;

/** Host and database: neither user nor password. */
function locationOf(url: string): string {
  try {
    if (!/^postgres(ql)?:\/\//.test(url)) throw new Error();
    const { host, port, database } = new Client({ connectionString: url });
    const place = host.startsWith('/') ? host : `${host}:${port}`;
    return `${database ?? ''} at ${place}`;
  } catch {
    // The fault itself may quote the URL.
    throw new MusterError(
      'index_unavailable',
      'index.url is not the URL of a PostgreSQL database: write postgresql://user@host:5432/name.',
    );
  }
}
