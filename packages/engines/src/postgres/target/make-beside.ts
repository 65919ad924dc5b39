import { MusterError } from '@muster/core';
import pg from 'pg';
import { quoteIdentifier } from '../format/roles.js';
import { createDatabaseStatement, type DatabaseShape } from '../restore/create-database.js';
import { type Marker, writeMarker } from './names.js';

/** Makes the empty database that a backup is restored into, marked as ours. @throws `locale_missing`, `no_space`. */
export async function makeBeside(
  client: pg.Client,
  name: string,
  shapes: { readonly dump: DatabaseShape; readonly target: DatabaseShape },
  marker: Marker,
): Promise<void> {
  // Where a dump tells its locale, that counts; else that of what it takes the place of.
  const shape =
    shapes.dump.collate === undefined
      ? { ...shapes.target, ...(shapes.dump.encoding !== undefined && { encoding: shapes.dump.encoding }) }
      : shapes.dump;
  try {
    await client.query(createDatabaseStatement(shape, name));
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError)) throw cause;
    if (/^(?:08|28|42501|53[234]|57)/.test(cause.code ?? '')) throw cause;
    if (cause.code === '53100')
      throw new MusterError('no_space', 'The disk of the target is full. Make room there.', { cause });
    throw new MusterError(
      'locale_missing',
      `The target's server cannot make a database as that of the backup was (${[shape.encoding, shape.provider, shape.locale ?? shape.collate].filter(Boolean).join(' ')}, SQLSTATE ${cause.code}). Install that locale there, then run the same command again.`,
      { cause },
    );
  }
  await mark(client, name, marker);
}

export const mark = (client: pg.Client, name: string, marker: Marker): Promise<unknown> =>
  client.query(`COMMENT ON DATABASE ${quoteIdentifier(name)} IS ${pg.escapeLiteral(writeMarker(marker))}`);

/** What people, or {@link mark}, said of a database; null where there is nothing, or no database. */
export async function commentOf(client: pg.Client, name: string): Promise<string | null> {
  const { rows } = await client.query<{ comment: string | null }>(
    `SELECT pg_catalog.shobj_description(d.oid, 'pg_database') AS comment FROM pg_catalog.pg_database d WHERE d.datname = $1`,
    [name],
  );
  return rows[0]?.comment ?? null;
}

/** Ends what an earlier run of ours left running there, and drops the database, which its marker has shown to be ours. */
export async function dropBeside(client: pg.Client, name: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    await endSessions(client, name);
    try {
      await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`);
      return;
    } catch (error) {
      const busy = error instanceof pg.DatabaseError && error.code === '55006';
      if (!busy || tries === 3) throw error;
    }
  }
}

/** Sessions of others in a database, for people: process ids and application names, and no queries. */
export async function sessionsIn(client: pg.Client, name: string): Promise<string | undefined> {
  const { rows } = await client.query<{ pid: string; application: string | null }>(
    `SELECT pid::text AS pid, application_name AS application FROM pg_catalog.pg_stat_activity
     WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend' ORDER BY backend_start LIMIT 10`,
    [name],
  );
  if (rows.length === 0) return undefined;
  return rows.map(({ pid, application }) => (application ? `${pid} (${application})` : pid)).join(', ');
}

export const endSessions = (client: pg.Client, name: string): Promise<unknown> =>
  client.query(
    `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
     WHERE datname = $1 AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'`,
    [name],
  );
