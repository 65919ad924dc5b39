import { basename } from 'node:path';
import { errnoOf, MusterError } from '@muster/core';
import pg from 'pg';
import { openRegular } from '../../bytes/regular-file.js';
import type { Scripts, StandIn } from '../../rehearse/stand-in.js';
import { admit } from '../admit.js';
import { quoteIdentifier } from '../format/roles.js';
import type { PostgresFacts } from '../postgres-facts.js';
import { createDatabaseStatement } from '../restore/create-database.js';
import { connect, PORT, spend } from '../server/client.js';
import { conninfo } from '../server/session.js';

interface At {
  readonly socketDir: string;
  readonly serverVersion: string;
}

/** Tables of the owner; what belongs to the server itself is left out, and so are parents, which have no rows of their own. */
const TABLES = `
SELECT format('%I.%I', n.nspname, c.relname) AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1`;

export function postgresStandIn(at: At): StandIn {
  return {
    uri: (database) =>
      `postgresql://postgres@${encodeURIComponent(at.socketDir)}:${PORT}/${encodeURIComponent(database)}`,
    seed: (database, { table, row }, signal) =>
      within(at, database, signal, async (client) => {
        const columns = Object.keys(row);
        const values = Object.values(row).map((value) => (value === null ? null : String(value)));
        const list =
          columns.length === 0
            ? 'DEFAULT VALUES'
            : // What the database numbers itself may be named, too.
              `(${columns.map(quoteIdentifier).join(', ')}) OVERRIDING SYSTEM VALUE VALUES (${columns.map((_, i) => `$${i + 1}`).join(', ')})`;
        const text = `INSERT INTO ${nameOf(table)} AS muster_row ${list} RETURNING muster_row::text AS row`;
        const { rows } = await client.query<{ row: string }>(text, values).catch((cause: unknown) => {
          if (!(cause instanceof pg.DatabaseError)) throw cause;
          throw refused(whyRefused(table, cause.code), cause);
        });
        const [first] = rows;
        if (first === undefined)
          throw refused(
            `The row for the table ${table} (rehearse.seed) was taken, and kept by no table: see its triggers and rules.`,
          );
        return { table, row: first.row };
      }),
    count: (database, { table, row }, signal) =>
      within(at, database, signal, async (client) => {
        const text = `SELECT count(*) AS n FROM ${nameOf(table)} AS muster_row WHERE muster_row::text = $1`;
        const { rows } = await client.query<{ n: string }>(text, [row]).catch((error: unknown) => {
          // It did not come back at all.
          if (error instanceof pg.DatabaseError && MISSING.has(error.code ?? '')) return { rows: [] };
          throw error;
        });
        return Number(rows[0]?.n ?? 0);
      }),
    rows: (database, signal) =>
      within(at, database, signal, async (client) => {
        const { rows: tables } = await client.query<{ name: string }>(TABLES);
        const counts = new Map<string, string>();
        for (const { name } of tables) {
          const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ONLY ${name}`);
          counts.set(name, rows[0]?.n ?? '0');
        }
        return counts;
      }),
  };
}

const MISSING = new Set(['42P01', '3F000']);

function whyRefused(table: string, code = 'unknown'): string {
  if (MISSING.has(code))
    return `There is no table ${table} for a row of rehearse.seed: correct its name (schema.table), or what stands in for production.`;
  if (code === NO_COLUMN)
    return `The table ${table} has not all the columns of its row in rehearse.seed: correct them, or what stands in for production.`;
  return `The row for the table ${table} (rehearse.seed) was refused (SQLSTATE ${code}): correct its columns and values.`;
}

const NO_COLUMN = '42703';

const refused = (message: string, cause?: unknown): MusterError =>
  new MusterError('rehearsal_unready', message, {
    cause,
    ...(cause instanceof Error && { output: cause.message }),
  });

/** As a person writes it: `schema.table`, or a table of public. */
function nameOf(table: string): string {
  const dot = table.indexOf('.');
  const [schema, name] = dot < 0 ? ['public', table] : [table.slice(0, dot), table.slice(dot + 1)];
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

async function within<T>(
  { socketDir, serverVersion }: At,
  database: string,
  signal: AbortSignal,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(
    {
      host: socketDir,
      database,
      major: Number.parseInt(serverVersion, 10),
      applicationName: 'muster',
      // A row is written the same before and after.
      settings: { TimeZone: 'UTC' },
    },
    signal,
  );
  return await spend(client, signal, work);
}

const factsOf = (major: number): PostgresFacts => ({
  format: 'none',
  container: 'plain',
  wrapper: 'none',
  shape: {},
  major,
  databases: [],
});

const FAULT = /psql:<stdin>:(\d+): [A-Z]+: {2}([0-9A-Z]{5}):/;

export const postgresScripts: Scripts = {
  facts: factsOf,
  make: (at, database, signal) =>
    within(at, 'template1', signal, async (client) => {
      if (database === 'postgres') return;
      await client.query(createDatabaseStatement({}, database));
    }),
  run: async (scratch, base, { path, database, facts }, onOutput, signal) => {
    const { bindir } = admit(facts, base).installation;
    const file = await openRegular(path).catch((cause: unknown) => {
      throw refused(
        `${path} (rehearse.migrate) cannot be read (${errnoOf(cause) ?? 'unknown fault'}): name a file that the user who runs Muster may read.`,
      );
    });
    if (file === undefined) throw refused(`${path} (rehearse.migrate) is no file: name one with SQL.`);
    const stdin = file.createReadStream();
    try {
      const ended = await scratch.exec(
        {
          argv: [
            `${bindir}/psql`,
            ...['--no-psqlrc', '--quiet', '--no-password', '--output=/dev/null'],
            ...['--set=ON_ERROR_STOP=1', '--set=VERBOSITY=verbose', '--set=SHOW_CONTEXT=never'],
            ...['--dbname', conninfo(database), '--file=-'],
          ],
          env: {
            LC_ALL: 'C',
            PGHOST: scratch.innerSocketDir,
            PGUSER: 'postgres',
            PSQL_HISTORY: '/dev/null',
          },
          stdin,
          onStderr: onOutput,
        },
        signal,
      );
      if (ended.exitCode === 0) return;
      const [, line, code] = FAULT.exec(ended.stderr) ?? [];
      const where =
        line === undefined ? `psql ended with ${ended.exitCode}` : `line ${line}, SQLSTATE ${code}`;
      throw new MusterError(
        'rehearsal_unready',
        `The migration ${basename(path)} failed (${where}): correct it, or what must be there before it.`,
        { output: ended.stderr },
      );
    } finally {
      stdin.destroy();
    }
  },
};
