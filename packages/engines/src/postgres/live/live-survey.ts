import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { MusterError } from '@muster/core';
import pg from 'pg';
import type { LiveFacts } from '../../engine.js';
import { drop } from '../server/client.js';
import { type ConnectionUri, parseConnectionUri } from './connection-uri.js';

/** How long one host may take to answer all we ask. */
const ANSWER_MS = 30_000;

/** {@link LiveDumper.survey} of PostgreSQL. */
export async function survey(text: string, signal: AbortSignal): Promise<LiveFacts> {
  const uri = parseConnectionUri(text);
  let last: unknown;
  for (const host of uri.hosts) {
    try {
      return await surveyHost(uri, host, signal);
    } catch (error) {
      if (signal.aborted) throw new MusterError('cancelled', 'The look at the source was cancelled.');
      last = error;
    }
  }
  throw surveyError(last);
}

async function surveyHost(
  uri: ConnectionUri,
  host: ConnectionUri['hosts'][number],
  signal: AbortSignal,
): Promise<LiveFacts> {
  const tls = host.host.startsWith('/') ? [false] : await tlsOf(uri);
  let last: unknown;
  for (const ssl of tls) {
    const client = new pg.Client({
      host: host.host,
      port: host.port,
      user: uri.user,
      // pg would else look for one in its environment.
      password: uri.password ?? '',
      database: uri.database,
      ssl,
      application_name: 'muster',
      types: { getTypeParser: () => (value: unknown) => value },
    });
    client.on('error', () => undefined);
    const stop = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    const abort = () => drop(client);
    stop.addEventListener('abort', abort, { once: true });
    try {
      stop.throwIfAborted();
      await client.connect();
      await client.query('BEGIN READ ONLY');
      const { rows } = await client.query<{ number: string; version: string; database: string }>(
        `SELECT pg_catalog.current_setting('server_version_num') AS number,
          pg_catalog.current_setting('server_version') AS version, pg_catalog.current_database() AS database`,
      );
      const [row] = rows;
      if (row === undefined) throw new Error('the server answered nothing');
      return {
        major: Math.floor(Number(row.number) / 10_000),
        serverVersion: row.version.split(' ')[0] ?? row.version,
        database: row.database,
        format: 'custom',
      };
    } catch (error) {
      last = error;
      // Another way is tried only where the server would not talk so, as libpq does.
      if (error instanceof pg.DatabaseError && error.code !== '28000') throw error;
      if (stop.aborted) throw error;
    } finally {
      stop.removeEventListener('abort', abort);
      drop(client);
    }
  }
  throw last;
}

/** The ways to talk that a `sslmode` allows, in libpq's order. */
async function tlsOf({ sslmode, rest }: ConnectionUri): Promise<readonly (false | ConnectionOptions)[]> {
  if (sslmode === 'disable') return [false];
  const read = (path: string | undefined) => (path === undefined ? undefined : readFile(path));
  const [cert, key] = await Promise.all([read(rest.sslcert), read(rest.sslkey)]);
  const own = { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  const unverified = { ...own, rejectUnauthorized: false };
  if (sslmode === 'allow') return [false, unverified];
  if (sslmode === 'prefer') return [unverified, false];
  if (sslmode === 'require' && rest.sslrootcert === undefined) return [unverified];
  const ca = rest.sslrootcert === 'system' ? undefined : await read(rest.sslrootcert);
  const verified = { ...own, ...(ca === undefined ? {} : { ca }), rejectUnauthorized: true };
  if (sslmode === 'verify-full' || rest.sslrootcert === 'system') return [verified];
  // The certificate counts, not the name in it.
  return [{ ...verified, checkServerIdentity: () => undefined }];
}

/** What a refusal means. Neither the URI nor the server's words, which may quote it, get into the message. */
function surveyError(error: unknown): MusterError {
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
      'The source has no database of the name that the connection URI gives.',
    );
  }
  return new MusterError(
    'source_unreachable',
    `The source did not answer${code === undefined ? '' : ` (${code})`}. Look at the host, port and TLS settings in the connection URI, and whether the server runs.`,
  );
}
