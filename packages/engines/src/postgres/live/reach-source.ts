import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { MusterError, stopOnAbort } from '@muster/core';
import pg from 'pg';
import { drop, isConnecting } from '../server/client.js';
import type { ConnectionUri } from './connection-uri.js';

/**
 * What the server of a source is asked to do for a session of ours (`options` of libpq): to end it, and let its locks go, soon after we are
 * gone, whatever it is busy with.
 */
export const GUARD = [
  'client_connection_check_interval=5s',
  'tcp_keepalives_idle=30',
  'tcp_keepalives_interval=10',
  'tcp_keepalives_count=3',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

/** How poolers, and servers before 14, refuse settings at the start of a connection. */
const REFUSES_SETTINGS: ReadonlySet<string | undefined> = new Set([
  '08P01',
  '0A000',
  '22023',
  '42704',
  '42501',
]);

/** How long the source may take to answer all that we ask. */
const ANSWER_MS = 30_000;

type Host = ConnectionUri['hosts'][number];

/**
 * Connects as libpq would (`sslmode`), and runs `work` with the connection, which is ended on every path. `guarded`: the
 * server took {@link GUARD}. `answerMs`: how long the work may take.
 * @throws what pg throws; `secret_unavailable` where a file that the URI names cannot be read.
 */
export async function withSource<T>(
  uri: ConnectionUri,
  host: Host,
  signal: AbortSignal,
  work: (client: pg.Client, guarded: boolean) => Promise<T>,
  answerMs = ANSWER_MS,
): Promise<T> {
  const ways = host.host.startsWith('/') ? ([false] as const) : await waysOf(uri, host.host);
  let last: unknown;
  for (const ssl of ways) {
    for (const guarded of [true, false]) {
      const client = clientFor(uri, host, ssl, guarded);
      try {
        await within(client, uri.connectMs, signal, () => client.connect());
        return await within(client, answerMs, signal, () => work(client, guarded));
      } catch (error) {
        last = error;
        if (signal.aborted || error instanceof MusterError) throw error;
        if (!(error instanceof pg.DatabaseError)) break;
        if (guarded && REFUSES_SETTINGS.has(error.code)) continue;
        // Another way is tried only where the server would not talk so, as libpq does.
        if (error.code === '28000') break;
        throw error;
      } finally {
        drop(client);
      }
    }
  }
  throw last;
}

/** @throws `source_slow` where the source is there, and takes longer than so many ms. */
async function within<T>(
  client: pg.Client,
  ms: number,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(ms);
  const stop = AbortSignal.any([signal, late]);
  let slow = false;
  const abort = () => {
    slow = late.aborted && !isConnecting(client);
    drop(client);
  };
  try {
    return await stopOnAbort(stop, abort, ask);
  } catch (cause) {
    if (!slow || signal.aborted) throw cause;
    throw new MusterError(
      'source_slow',
      `The source took the connection, and answered nothing for ${ms / 1000} s. See whether it is overloaded, or whether something else listens there.`,
      { cause },
    );
  }
}

function clientFor(
  uri: ConnectionUri,
  { host, port }: Host,
  ssl: false | ConnectionOptions,
  guarded: boolean,
): pg.Client {
  const options = [...(guarded ? [GUARD] : []), ...(uri.rest.options ? [uri.rest.options] : [])].join(' ');
  const client = new pg.Client({
    host,
    port,
    user: uri.user,
    // pg would else look for one in its environment.
    password: uri.password ?? '',
    database: uri.database,
    ssl,
    application_name: 'muster',
    ...(options !== '' && { options }),
    types: { getTypeParser: () => (value: unknown) => value },
  });
  client.on('error', () => undefined);
  return client;
}

/** The ways to talk that a `sslmode` allows, in libpq's order. */
export async function waysOf(
  { sslmode, rest, service }: ConnectionUri,
  host: string,
): Promise<readonly (false | ConnectionOptions)[]> {
  if (sslmode === 'disable') return [false];
  const [cert, key, crl] = await Promise.all([
    read('sslcert', rest.sslcert),
    read('sslkey', rest.sslkey),
    read('sslcrl', rest.sslcrl),
  ]);
  const own = {
    ...(cert && { cert }),
    ...(key && { key }),
    ...(service.sslpassword !== undefined && { passphrase: service.sslpassword }),
  };
  const unverified = { ...own, rejectUnauthorized: false };
  if (sslmode === 'allow') return [false, unverified];
  if (sslmode === 'prefer') return [unverified, false];
  if (sslmode === 'require' && rest.sslrootcert === undefined) return [unverified];
  const ca = rest.sslrootcert === 'system' ? undefined : await read('sslrootcert', rest.sslrootcert);
  // `host`: where it is an address, pg does not tell TLS what the certificate must be for.
  const verified = { ...own, ...(ca && { ca }), ...(crl && { crl }), host, rejectUnauthorized: true };
  if (sslmode === 'verify-full' || rest.sslrootcert === 'system') return [verified];
  // The certificate counts, not the name in it.
  return [{ ...verified, checkServerIdentity: () => undefined }];
}

async function read(parameter: string, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  return readFile(path).catch((cause: unknown) => {
    throw new MusterError(
      'secret_unavailable',
      `The file that ${parameter} of the connection URI names cannot be read on the worker: see whether it is there, and that the user that runs Muster may read it.`,
      { cause },
    );
  });
}
