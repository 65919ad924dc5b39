import type { ConnectionOptions } from 'node:tls';
import { MusterError, stopOnAbort } from '@muster/core';
import pg from 'pg';
import { tlsFaultOf } from '../../live/tls-fault.js';
import type { ConnectionUri } from '../live/connection-uri.js';
import { GUARD, waysOf } from '../live/reach-source.js';
import { drop, spend } from '../server/client.js';

/** A way to the server of a target that was found to be open. */
export interface Login {
  readonly uri: ConnectionUri;
  readonly host: ConnectionUri['hosts'][number];
  readonly ssl: false | ConnectionOptions;
  /** The server takes {@link GUARD}. */
  readonly guarded: boolean;
  /** A database beside the target: from there it is made and renamed. */
  readonly maintenance: string;
}

/** How poolers, and servers before 14, refuse settings at the start of a connection. */
const REFUSES_SETTINGS: ReadonlySet<string | undefined> = new Set(['08P01', '0A000', '22023', '42704']);
/** Not this database, but perhaps another. */
const OTHER_DATABASE: ReadonlySet<string | undefined> = new Set(['3D000', '42501', '55000']);

/**
 * Finds the way in, as libpq would (`sslmode`, several hosts). @throws `credentials_refused`, `tls_refused`,
 * `target_unreachable`.
 */
export async function logIn(uri: ConnectionUri, signal: AbortSignal): Promise<Login> {
  const databases = ['postgres', 'template1', uri.user].filter((name) => name !== uri.database);
  let last: unknown;
  for (const host of uri.hosts) {
    const ways = host.host.startsWith('/') ? ([false] as const) : await waysOf(uri, host.host);
    for (const ssl of ways) {
      for (const maintenance of databases) {
        for (const guarded of [true, false]) {
          try {
            const login = { uri, host, ssl, guarded, maintenance };
            drop(await openSession(login, maintenance, signal));
            return login;
          } catch (error) {
            if (signal.aborted) throw new MusterError('cancelled', 'The look at the target was cancelled.');
            if (error instanceof MusterError) throw error;
            last = error;
            if (!(guarded && error instanceof pg.DatabaseError && REFUSES_SETTINGS.has(error.code))) break;
          }
        }
        if (!(last instanceof pg.DatabaseError && OTHER_DATABASE.has(last.code))) break;
      }
    }
  }
  throw loginError(last);
}

/**
 * Settings that every session of ours has, whatever is set for its user or database; none of them takes a superuser. Above
 * all it acts as who logged in.
 */
const SETTINGS =
  '-c role=none -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c client_encoding=UTF8 -c DateStyle=ISO';

/** {@link GUARD} is of the same age. */
const SINCE_14 = '-c idle_session_timeout=0';

/** What a session of the login brings along, as `PGOPTIONS` has it. */
export const optionsOf = ({ uri, guarded }: Pick<Login, 'uri' | 'guarded'>): string =>
  [SETTINGS, ...(guarded ? [GUARD, SINCE_14] : []), ...(uri.rest.options ? [uri.rest.options] : [])].join(
    ' ',
  );

/** One connection; its owner drops it. @throws what pg throws. */
export async function openSession(
  { uri, host, ssl, guarded }: Login,
  database: string,
  signal: AbortSignal,
): Promise<pg.Client> {
  signal.throwIfAborted();
  const client = new pg.Client({
    ...addressOf({ uri, host, ssl }),
    database,
    connectionTimeoutMillis: uri.connectMs,
    application_name: 'muster restore',
    options: optionsOf({ uri, guarded }),
    types: { getTypeParser: () => (value: unknown) => value },
  });
  client.on('error', () => undefined);
  try {
    await stopOnAbort(
      signal,
      () => drop(client),
      () => client.connect(),
    );
    return client;
  } catch (error) {
    drop(client);
    throw error;
  }
}

/** Who connects, and where to. */
export const addressOf = ({ uri, host, ssl }: Pick<Login, 'uri' | 'host' | 'ssl'>) => ({
  host: host.host,
  port: host.port,
  user: uri.user,
  // pg would else look for one in its environment.
  password: uri.password ?? '',
  ssl,
});

/** Runs `work` with a connection, which is ended on every path. */
export async function withLogin<T>(
  login: Login,
  database: string,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return await spend(await openSession(login, database, signal), signal, work);
}

/** What a refusal means. Neither the URI nor the server's words, which may quote it, get into the message. */
function loginError(error: unknown): MusterError {
  if (error instanceof MusterError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const unproven = error instanceof Error && error.message.startsWith('SASL:');
  if (code === '28P01' || code === '28000' || unproven) {
    return new MusterError(
      'credentials_refused',
      `The target refused the credentials (SQLSTATE ${code ?? '28P01'}). Look at the user and password in the URI of --into, and at the server's pg_hba.conf.`,
    );
  }
  const tls = tlsFaultOf(error);
  if (tls !== undefined || (error instanceof Error && error.message.includes('does not support SSL'))) {
    return new MusterError(
      'tls_refused',
      `The target cannot be spoken to with the TLS that the URI of --into asks for${tls === undefined ? '' : ` (${tls})`}. Look at its sslmode and sslrootcert.`,
    );
  }
  return new MusterError(
    'target_unreachable',
    `The target did not answer${code === undefined ? '' : ` (${code})`}. Look at the host and port in the URI of --into, and whether the server runs. Nothing was changed.`,
  );
}
