import { MusterError } from '@muster/core';
import pg from 'pg';
import type { LiveFacts } from '../../live/live-dumper.js';
import { tlsFaultOf } from '../../live/tls-fault.js';
import { type ConnectionUri, parseConnectionUri } from './connection-uri.js';
import { outOfConnections } from './dump-fault.js';
import { requireRights } from './missing-rights.js';
import { withSource } from './reach-source.js';

/** What the source shall give up by itself, should a question of ours take so long. */
const STATEMENT_MS = 20_000;

export interface PostgresLiveFacts extends LiveFacts {
  /** The server took what {@link GUARD} asks of it. */
  readonly guarded: boolean;
}

export const isPostgresLiveFacts = (facts: LiveFacts): facts is PostgresLiveFacts => 'guarded' in facts;

/** {@link LiveDumper.survey} of PostgreSQL. */
export async function survey(
  text: string,
  signal: AbortSignal,
  database?: string,
): Promise<PostgresLiveFacts> {
  const named = parseConnectionUri(text);
  const uri = database === undefined ? named : { ...named, database };
  let last: unknown;
  for (const host of uri.hosts) {
    try {
      return await surveyHost(uri, host, signal);
    } catch (error) {
      if (signal.aborted) throw new MusterError('cancelled', 'The look at the source was cancelled.');
      last = error;
    }
  }
  throw surveyError(last, uri, database);
}

const surveyHost = (
  uri: ConnectionUri,
  host: ConnectionUri['hosts'][number],
  signal: AbortSignal,
): Promise<PostgresLiveFacts> =>
  withSource(uri, host, signal, async (client, guarded) => {
    await client.query('BEGIN READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${STATEMENT_MS}`);
    const { rows } = await client.query<{ number: string; version: string; database: string }>(
      `SELECT pg_catalog.current_setting('server_version_num') AS number,
        pg_catalog.current_setting('server_version') AS version, pg_catalog.current_database() AS database`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('the server answered nothing');
    await requireRights(client);
    return {
      major: Math.floor(Number(row.number) / 10_000),
      serverVersion: row.version.split(' ')[0] ?? row.version,
      database: row.database,
      format: 'custom',
      guarded,
    };
  });

/**
 * What a refusal means. Neither the URI nor the server's words, which may quote it, get into the message; role and database
 * only where the server has let the one in and knows the other, so that neither is a piece of a mistyped password.
 */
export function surveyError(error: unknown, uri: ConnectionUri, database: string | undefined): MusterError {
  if (error instanceof MusterError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  // pg's own word for a password that is asked for and not there, or a server that cannot prove it knows it.
  const unproven = error instanceof Error && error.message.startsWith('SASL:');
  if (code === '28P01' || code === '28000' || unproven) {
    return new MusterError(
      'credentials_refused',
      `The source refused the credentials (SQLSTATE ${code ?? '28P01'}). Look at the user and password in the connection URI, and at the server's pg_hba.conf.`,
    );
  }
  if (code === '3D000') {
    return new MusterError(
      'unknown_database',
      database === undefined
        ? 'The source has no database of the name that the connection URI gives.'
        : `The source has no database ${JSON.stringify(database)}, which the source's \`database\` or one of its checks asks.`,
    );
  }
  if (code === '42501') {
    return new MusterError(
      'source_rights_missing',
      `The role ${JSON.stringify(uri.user)} of the connection URI may not connect to the database ${JSON.stringify(uri.database)}: GRANT CONNECT ON DATABASE ${pg.escapeIdentifier(uri.database)} TO ${pg.escapeIdentifier(uri.user)}.`,
    );
  }
  if (code === '53300') return outOfConnections();
  if (code === '57014') {
    return new MusterError(
      'source_slow',
      `The source did not answer a question about its tables within ${STATEMENT_MS / 1000} s. Drill it when it is less busy.`,
    );
  }
  const tls = tlsFaultOf(error);
  // pg's own words again, for a server that answers that it has none.
  const plain = error instanceof Error && error.message.includes('does not support SSL');
  if (tls !== undefined || plain) {
    return new MusterError(
      'tls_refused',
      plain
        ? 'The source speaks no TLS, and the sslmode of the connection URI asks for it.'
        : `The source cannot be spoken to with the TLS that the connection URI asks for (${tls}). Look at its sslmode and sslrootcert, at sslcert and sslkey, and for whom and by whom the certificate of the server was made.`,
    );
  }
  return new MusterError(
    'source_unreachable',
    `The source did not answer${code === undefined ? '' : ` (${code})`}. Look at the host, port and TLS settings in the connection URI, and whether the server runs.`,
  );
}
