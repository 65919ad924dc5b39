import { MusterError } from '@muster/core';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import type { DrillIndex } from './drill-index.js';
import { openIndex } from './kysely-index.js';
import type { Tables } from './tables.js';

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
