import { z } from 'zod';
import { directory, secretRef, text, timeLimit } from './scalars.js';
import { cron, poolName, scheduleName, timeZone } from './schedule.js';

const setType = () =>
  z
    .enum(['full', 'diff', 'incr'])
    .describe('pgbackrest: all files, those changed since the last full one, or since the last of any type.');

/** Backups that Muster itself takes: what `muster backup take` and the schedules of a fleet do. */
export const take = z.strictObject({
  cron: cron().exactOptional().describe('Instead of schedules: cron of one named default.'),
  tz: timeZone().exactOptional().describe('With cron: an IANA time zone. Default: UTC.'),
  type: setType().exactOptional().describe('pgbackrest, where the schedule names none. Default: incr.'),
  schedules: z
    .array(
      z.strictObject({
        name: scheduleName().describe('Unique within the takes of its source.'),
        cron: cron().describe('Five fields: minute, hour, day of month, month, day of week.'),
        tz: timeZone().exactOptional().describe('An IANA time zone. Default: UTC.'),
        type: setType().exactOptional(),
      }),
    )
    .exactOptional()
    .describe('When backups are taken. Without any, and without cron: by hand only.'),
  format: z
    .enum(['custom', 'directory'])
    .exactOptional()
    .describe('PostgreSQL dumps: one file, or a directory that several processes write. Default: custom.'),
  jobs: z
    .int()
    .positive()
    .max(64)
    .exactOptional()
    .describe('Processes of a directory dump, or of pgBackRest. Default: 2.'),
  retain: z
    .strictObject({
      count: z.int().positive().exactOptional().describe('The newest so many are kept.'),
      days: z
        .int()
        .positive()
        .max(36_500)
        .exactOptional()
        .describe('Those of the last so many days are kept.'),
    })
    .exactOptional()
    .describe('Of both, whichever keeps more. Default: all are kept.'),
  overrun: z
    .enum(['skip', 'wait'])
    .exactOptional()
    .describe('While another take of the source is not over: leave this one out, or wait. Default: skip.'),
  pool: poolName()
    .exactOptional()
    .describe("The workers that take: those that can reach the database. Default: the source's pool."),
  encrypt: z
    .strictObject({
      age: secretRef().describe('env:NAME or file:PATH, which hold recipients of age, or a passphrase.'),
    })
    .exactOptional()
    .describe('Dumps are encrypted on their way.'),
  data_directory: directory()
    .exactOptional()
    .describe(
      'pgbackrest with repo: the data directory of the running server (what pgBackRest calls pg1-path).',
    ),
  limit: timeLimit().exactOptional().describe('For one take. Default: 6h.'),
});

/** A row that must be there after a restore as it was when the backup was taken. */
const sentinel = z.strictObject({
  table: text().describe('PostgreSQL: schema.table, or a table of public. MongoDB: database.collection.'),
  key: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .refine((key) => Object.keys(key).length > 0, { error: 'expected a column at least, such as { id: 42 }' })
    .describe('Columns and the values that name one row.'),
});

const fidelityLevel = () => z.enum(['off', 'counts', 'full']);

/** What is recorded of a database when it is dumped, and compared with what a restore brings back. */
export const fidelity = z.union(
  [
    fidelityLevel(),
    z.strictObject({
      level: fidelityLevel()
        .exactOptional()
        .describe('counts: rows of tables; full: digests of their content too.'),
      budget: timeLimit()
        .exactOptional()
        .describe('The time that may be spent on it, at the source. Default: 10m.'),
      sentinels: z.array(sentinel).exactOptional().describe('Rows that must come back as they were.'),
    }),
  ],
  { error: 'expected off, counts, full, or { level, budget, sentinels }' },
);

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** A rehearsal of a disaster (`muster rehearse`): what stands in for production. */
export const rehearse = z.strictObject({
  base: directory()
    .exactOptional()
    .describe('A dump to begin with, relative to this file. MongoDB may begin with nothing but its seed.'),
  migrate: z
    .array(directory())
    .exactOptional()
    .describe('Instead of base: SQL files, relative to this one, run in this order.'),
  major: z
    .int()
    .positive()
    .max(99)
    .exactOptional()
    .describe('With migrate: major version of the server that they are run on. Default: 17.'),
  version: text().exactOptional().describe('A query of one value: the version of the schema.'),
  seed: z
    .array(
      z.strictObject({
        table: text().describe(
          'PostgreSQL: schema.table, or a table of public. MongoDB: database.collection.',
        ),
        row: z.record(z.string(), scalar).describe('Columns and values of the row that must come back.'),
      }),
    )
    .exactOptional()
    .describe('Rows that are put in before the backup is taken, and looked for after the restore.'),
});
