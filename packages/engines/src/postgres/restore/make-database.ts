import { MusterError } from '@muster/core';
import pg from 'pg';
import { quoteIdentifier } from '../format/roles.js';
import { maintenanceDatabase, withSession } from '../server/session.js';
import type { RunningServer } from '../server/start.js';
import { createDatabaseStatement, type DatabaseShape } from './create-database.js';

/**
 * Makes the empty database that a backup is restored into, in its own encoding and locale. One that every cluster has
 * (`postgres`, `template1`) is made anew. @throws `locale_missing`, `scratch_*`.
 */
export async function makeDatabase(
  server: RunningServer,
  name: string,
  shape: DatabaseShape,
  signal: AbortSignal,
): Promise<void> {
  const statement = createDatabaseStatement(shape, name);
  await withSession(server, maintenanceDatabase(name), signal, async (client) => {
    if (name === 'template1') await client.query('ALTER DATABASE template1 IS_TEMPLATE false');
    await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`);
    try {
      await client.query(statement);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || /^5[378]/.test(error.code ?? '')) throw error;
      throw new MusterError(
        'locale_missing',
        `The server has not the encoding or locale that the database was made with (${describeShape(shape)}, SQLSTATE ${error.code}). Name an image that has it with \`image:\`.`,
        { cause: error },
      );
    }
  });
}

const describeShape = (shape: DatabaseShape): string =>
  [shape.encoding, shape.provider, shape.locale ?? shape.collate]
    .filter((word) => word !== undefined)
    .join(' ');

/**
 * Makes those of the roles that are not there yet, unable to log in: a backup names them, no one uses them.
 * @param client - in the database of the backup: a server keeps a name in the encoding of the database it was given in.
 */
export async function makeRoles(client: pg.Client, names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await client.query(`CREATE ROLE ${quoteIdentifier(name)} NOLOGIN`);
    } catch (error) {
      // There already, or a name that no server takes: what then needs it will be complained about.
      if (!(error instanceof pg.DatabaseError) || !/^(?:42710|42939|42602|42622)$/.test(error.code ?? ''))
        throw error;
    }
  }
}
