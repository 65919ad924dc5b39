import pg from 'pg';
import { connect, processId, spend } from './client.js';
import type { RunningServer } from './start.js';

/** Runs `work` with a connection of ours, which is ended on every path. */
export async function withSession<T>(
  server: RunningServer,
  database: string,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const stop = AbortSignal.any([signal, server.lost]);
  const client = await connect(
    {
      host: server.scratch.socketDir,
      database,
      major: server.installation.major,
      applicationName: 'muster',
    },
    stop,
  );
  server.ours.add(processId(client));
  return await spend(client, stop, work);
}

/**
 * The server answers, and takes its own superuser for somebody who may not log in, or not do as one, or its databases
 * for such as nobody may enter.
 */
export const isRefusal = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && /^(?:28|42|55000)/.test(error.code ?? '');

/** A connection string that names nothing but a database, so that no name is read as more than a name. */
export const conninfo = (database: string): string => `dbname=${conninfoValue(database)}`;

/** A value in a connection string, quoted only where it must be. */
export const conninfoValue = (value: string): string =>
  /^[\w./-]+$/.test(value) ? value : `'${value.replace(/[\\']/g, '\\$&')}'`;

/** A database that is not the one restored: from there it is made, and questions are stopped. */
export const maintenanceDatabase = (database: string): string =>
  database === 'postgres' ? 'template1' : 'postgres';
