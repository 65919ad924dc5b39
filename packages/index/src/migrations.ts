import type { Statement } from '@muster/core';
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { SCHEMA, type Tables } from './tables.js';

/** In the order of their names. One that was released is never changed. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-drills-and-checks': { up: drillsAndChecks },
  '0002-drills-prove': { up: drillsProve },
  '0003-stand-ins-prove-nothing': { up: standInsProveNothing },
};

/** Brings the tables up to date; of several processes at once one does it, and the others wait (advisory lock). */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...MIGRATIONS }) },
    migrationTableSchema: SCHEMA,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function drillsAndChecks(db: Kysely<unknown>): Promise<void> {
  const schema = db.schema.withSchema(SCHEMA);
  await schema
    .createTable('drills')
    .addColumn('drill_id', sql`text COLLATE "C"`, (column) => column.primaryKey())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('trigger_kind', 'text', (column) => column.notNull())
    .addColumn('schedule', 'text')
    .addColumn('scheduled_for', 'timestamptz')
    .addColumn('result', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('pool', 'text', (column) => column.notNull())
    .addColumn('worker', 'text', (column) => column.notNull())
    .addColumn('asked_at', 'timestamptz', (column) => column.notNull())
    .addColumn('issued_at', 'timestamptz', (column) => column.notNull())
    .addColumn('backup_id', 'text')
    .addColumn('backup_sha256', 'text')
    .addColumn('restore_ms', 'bigint')
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('sha256', 'text', (column) => column.notNull())
    .addColumn('statement', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('checks')
    .addColumn('drill_id', sql`text COLLATE "C"`, (column) =>
      column.notNull().references(`${SCHEMA}.drills.drill_id`).onDelete('cascade'),
    )
    .addColumn('ordinal', 'integer', (column) => column.notNull())
    .addColumn('check_id', 'text', (column) => column.notNull())
    .addColumn('verdict', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('duration_ms', 'bigint')
    .addColumn('check_sha256', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('checks_pkey', ['drill_id', 'ordinal'])
    .execute();
  await schema.createIndex('drills_by_source').on('drills').columns(['source', 'drill_id']).execute();
  await schema.createIndex('drills_by_result').on('drills').columns(['result', 'drill_id']).execute();
  await schema.createIndex('drills_by_time').on('drills').column('asked_at').execute();
  await schema.createIndex('checks_by_id').on('checks').columns(['check_id', 'drill_id']).execute();
}

/**
 * What is there already was planned when no plan said that it leaves out checks. A statement is searched, not parsed: one
 * may hold U+0000, which PostgreSQL refuses; and within a string of JSON no quote is bare.
 */
async function drillsProve(db: Kysely<unknown>): Promise<void> {
  const schema = db.schema.withSchema(SCHEMA);
  await schema
    .alterTable('drills')
    .addColumn('proves', 'boolean', (column) => column.notNull().defaultTo(false))
    .execute();
  await sql`UPDATE ${sql.table(`${SCHEMA}.drills`)} SET proves = true WHERE result = 'pass' AND (trigger_kind = 'schedule'
    OR position('"restore_point":{"kind":"latest"' IN statement) > 0)`.execute(db);
  await schema
    .createIndex('drills_that_prove')
    .on('drills')
    .columns(['source', 'asked_at'])
    .where(sql.ref('proves'), 'is', true)
    .execute();
}

/** What is there already counted where another server stood in for the source's kind. A column of a check may bear that name, too. */
async function standInsProveNothing(db: Kysely<Pick<Tables, 'drills'>>): Promise<void> {
  const drills = db.withSchema(SCHEMA);
  const likely = await drills
    .selectFrom('drills')
    .select(['drill_id', 'statement'])
    .where('proves', 'is', true)
    .where(sql<boolean>`position('"substitute":true' IN statement) > 0`)
    .execute();
  for (const { drill_id: drillId, statement } of likely) {
    const { predicate } = JSON.parse(statement) as Statement;
    if (predicate.environment.substitute === undefined) continue;
    await drills.updateTable('drills').set({ proves: false }).where('drill_id', '=', drillId).execute();
  }
}
