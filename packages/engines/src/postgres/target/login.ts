import type { ConnectionOptions } from 'node:tls';
import { MusterError, stopOnAbort } from '@muster/core';
import pg from 'pg';
import { tlsFaultOf } from '../../live/tls-fault.js';
import { quoteIdentifier } from '../format/roles.js';
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
 * `target_unreachable`, `target_rights_missing`.
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
  throw loginError(last, uri, databases);
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

/**
 * Runs `work` with a connection, which is ended on every path. @throws `target_rights_missing`, `target_unreachable` where the
 * server refuses or ends the session; `cancelled`; what `work` throws.
 */
export async function withLogin<T>(
  login: Login,
  database: string,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  try {
    return await spend(await openSession(login, database, signal), signal, work);
  } catch (error) {
    if (signal.aborted)
      throw new MusterError('cancelled', 'What was done at the target was cancelled.', { cause: error });
    throw isOfSession(error) ? sessionError(error, login.uri, database) : error;
  }
}

/** The server, or the network, is at fault, and not what was asked or how it was read. */
const isOfSession = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? !/^(?:22|42(?!501))/.test(error.code ?? '')
    : error instanceof Error &&
      !(error instanceof MusterError || OURS.some((fault) => error instanceof fault));

const OURS = [TypeError, RangeError, SyntaxError, ReferenceError];

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && error.code !== undefined ? String(error.code) : undefined;

/** Why a server that let us in refused, or ended, a session in one database. */
function sessionError(cause: unknown, { user }: ConnectionUri, database: string): MusterError {
  const code = codeOf(cause);
  const [who, where] = [quoteIdentifier(user), quoteIdentifier(database)];
  if (code === '42501' || code === '28000')
    return new MusterError(
      'target_rights_missing',
      `The server does not let the user ${who} into the database ${where} (SQLSTATE ${code}). ${code === '42501' ? `GRANT CONNECT ON DATABASE ${where} TO ${who}` : "Look at the server's pg_hba.conf"}, or name another user.`,
      { cause },
    );
  return new MusterError(
    'target_unreachable',
    code === '53300'
      ? FULL
      : `The target refused or ended a session in the database ${where}${code === undefined ? '' : ` (${code})`}. See whether its server runs, then run the same command again. Nothing was changed.`,
    { cause },
  );
}

/** too_many_connections */
const FULL =
  'The target has no connection to spare (SQLSTATE 53300). Look at the CONNECTION LIMIT of its database and of the user of --into, and at max_connections; a superuser is bound by neither limit. Nothing was changed.';

/** What a refusal means. Neither the URI nor the server's words, which may quote it, get into the message. */
function loginError(error: unknown, { user }: ConnectionUri, databases: readonly string[]): MusterError {
  if (error instanceof MusterError) return error;
  const code = codeOf(error);
  const unproven = error instanceof Error && error.message.startsWith('SASL:');
  if (code === '28P01' || code === '28000' || unproven) {
    return new MusterError(
      'credentials_refused',
      `The target refused the credentials (SQLSTATE ${code ?? '28P01'}). Look at the user and password in the URI of --into, and at the server's pg_hba.conf.`,
    );
  }
  // It knows the user, and none of the databases was open to them.
  if (error instanceof pg.DatabaseError && OTHER_DATABASE.has(code))
    return new MusterError(
      'target_rights_missing',
      `The user ${quoteIdentifier(user)} may connect to none of the databases ${databases.map(quoteIdentifier).join(', ')}, from one of which the target is made and renamed (SQLSTATE ${code}). GRANT CONNECT ON DATABASE ${quoteIdentifier(databases[0] ?? user)} TO ${quoteIdentifier(user)}, or name another user.`,
    );
  if (code === '53300') return new MusterError('target_unreachable', FULL);
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
