import pg from 'pg';
import { databaseGrantsOf, databaseOwnerOf } from '../format/database-entry.js';
import { quoteIdentifier } from '../format/roles.js';
import type { Toc } from '../format/toc.js';

/**
 * Gives a database that is new the owner and the grants that the archive has for it. Never throws for what the server refuses.
 * @returns a sentence on what a person has to do; empty where there is nothing.
 */
export async function giveBack(client: pg.Client, toc: Toc, database: string): Promise<string> {
  const owner = databaseOwnerOf(toc);
  const { statements, isWhole } = databaseGrantsOf(toc, database);
  const owning =
    owner === undefined
      ? []
      : [`ALTER DATABASE ${quoteIdentifier(database)} OWNER TO ${quoteIdentifier(owner)}`];
  const refused = [...(await refusedOf(client, owning)), ...(await refusedOf(client, statements))];
  const by =
    refused.length === 0
      ? ''
      : ` The database has not the owner or the grants that it had: the user may not give them. As a superuser: ${refused.join('; ')};`;
  return `${by}${isWhole ? '' : ' Not all grants of the database itself were given: see them with pg_restore --create --schema-only.'}`;
}

/** All of them or none. @returns those that were refused. */
async function refusedOf(client: pg.Client, statements: readonly string[]): Promise<readonly string[]> {
  if (statements.length === 0) return [];
  try {
    await client.query('BEGIN');
    for (const statement of statements) await client.query(statement);
    await client.query('COMMIT');
    return [];
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if (error instanceof pg.DatabaseError) return statements;
    throw error;
  }
}
