import { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { stopOnAbort } from '@muster/core';
import pg from 'pg';

/** The port in the name of the server's unix socket, `.s.PGSQL.5432`. */
export const PORT = 5432;

/**
 * Settings that every connection of ours brings along, because what the dump set (`ALTER DATABASE`, `ALTER ROLE`) must
 * neither hang, stop nor reshape a question. What belongs to the question itself (`search_path`, `TimeZone`) stays.
 */
const SESSION = {
  session_preload_libraries: '',
  local_preload_libraries: '',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  client_encoding: 'UTF8',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  lc_messages: 'C',
} as const;

export interface ConnectionTarget {
  /** A directory with the socket. */
  readonly host: string;
  readonly database: string;
  readonly major: number;
  readonly applicationName: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** A server that is no scratch's: who connects to it, and how. */
  readonly as?: ConnectAs;
  /** Called with the count of each piece that arrives; may destroy the connection by returning false. */
  readonly onBytes?: (bytes: number) => boolean;
}

/** Who connects to a server that is no scratch's. */
export interface ConnectAs {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly ssl: false | ConnectionOptions;
  /** In place of what only a superuser may set. */
  readonly options: string;
}

/** All values stay text, so that nothing is squeezed through a JavaScript number or date. */
const textOnly = { getTypeParser: () => (value: unknown) => value };

/**
 * Connects to a server in a scratch as its superuser, or to another as whom the target names. Rejects when `signal` aborts, whatever the server does. The
 * caller ends the connection with {@link drop}.
 */
export async function connect(target: ConnectionTarget, signal: AbortSignal): Promise<pg.Client> {
  signal.throwIfAborted();
  const socket = new Socket();
  const { onBytes } = target;
  if (onBytes !== undefined) {
    socket.on('data', (data) => {
      if (!onBytes(data.length)) socket.destroy();
    });
  }
  const client = new pg.Client({
    host: target.host,
    port: PORT,
    user: 'postgres',
    password: '',
    database: target.database,
    ssl: false,
    ...target.as,
    application_name: target.applicationName,
    options:
      target.as === undefined
        ? sessionOptions(target.major, target.settings)
        : `${target.as.options} ${startupOptions(target.settings ?? {})}`.trim(),
    types: textOnly,
    stream: () => socket,
  });
  // An error between two questions is seen by the next one; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await stopOnAbort(
      signal,
      () => socket.destroy(new Error('aborted')),
      () => client.connect(),
    );
    return client;
  } catch (error) {
    drop(client);
    throw error;
  }
}

/** Runs `work` with a connection that is dropped where `signal` aborts, and ended on every path. */
export async function spend<T>(
  client: pg.Client,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  try {
    return await stopOnAbort(
      signal,
      () => drop(client),
      () => work(client),
    );
  } finally {
    await close(client);
  }
}

/** How long a server may take to say goodbye. */
const GOODBYE_MS = 1_000;

/** Ends a connection that waits for nothing, and waits until the server has ended its side. */
export async function close(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => drop(client), GOODBYE_MS);
  try {
    await client.end();
  } catch {
    // It has ended already.
  } finally {
    clearTimeout(timer);
    drop(client);
  }
}

/** Ends a connection at once, whatever it is doing. Nothing to wait for: the server sees its socket close. */
export function drop(client: pg.Client): void {
  socketOf(client).destroy();
}

/** Nobody has taken the connection yet. */
export const isConnecting = (client: pg.Client): boolean => socketOf(client).connecting === true;

/** Of the backend on the server's side, as its log names it. */
export const processId = (client: pg.Client): number => innards(client).processID ?? 0;

const socketOf = (client: pg.Client) => innards(client).connection.stream;

/** What pg's own types do not show. */
const innards = (client: pg.Client) =>
  client as unknown as {
    readonly processID: number | null;
    readonly connection: { readonly stream: { destroy(): void; readonly connecting?: boolean } };
  };

/** What a connection of ours brings along, as `options` of the startup packet or in `PGOPTIONS`. */
export const sessionOptions = (major: number, more: Readonly<Record<string, string>> = {}): string =>
  startupOptions({
    ...SESSION,
    ...(major >= 17 ? { event_triggers: 'off', transaction_timeout: '0' } : {}),
    ...(major >= 14 ? { idle_session_timeout: '0' } : {}),
    ...more,
  });

/** As `options` of the startup packet has it: blanks and backslashes of a value are escaped by a backslash. */
function startupOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`)
    .join(' ');
}
