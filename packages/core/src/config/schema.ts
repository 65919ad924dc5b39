import { z } from 'zod';
import { api } from './api.js';
import {
  choice,
  directory,
  duration,
  endpoint,
  expectSentence,
  innerPath,
  notYet,
  secretRef,
  size,
  storeLocation,
  text,
  timeLimit,
} from './scalars.js';
import { cron, poolName, schedule, timeZone } from './schedule.js';
import { fidelity, rehearse, take } from './take.js';

const scratchLimits = z.strictObject({
  cpus: z
    .number()
    .positive()
    .exactOptional()
    .describe('Cores that the scratch may use; fractions are allowed. Default: 2.'),
  memory: size().exactOptional().describe('Default: 2GiB.'),
  disk: size().exactOptional().describe('Default: 20GiB.'),
  pids: z.int().positive().exactOptional().describe('Processes and threads. Default: 512.'),
});

const timeLimits = z.strictObject({
  locate: timeLimit().exactOptional().describe('To find the backup. Default: 1m.'),
  fetch: timeLimit()
    .exactOptional()
    .describe('To fetch a backup that must be files on the worker. Default: 2h.'),
  launch: timeLimit().exactOptional().describe('To start the scratch. Default: 2m.'),
  restore: timeLimit().exactOptional().describe('Default: 4h.'),
  check: timeLimit()
    .exactOptional()
    .describe('For each check that names no timeout of its own. Default: 60s.'),
  drill: timeLimit().exactOptional().describe('For the whole drill. Default: 6h.'),
});

const s3 = z.strictObject({
  endpoint: endpoint()
    .exactOptional()
    .describe('The URL of the server. Default: that of AWS for the region.'),
  region: text()
    .exactOptional()
    .describe('Default: that of the AWS environment; with an endpoint us-east-1.'),
  path_style: z
    .boolean()
    .exactOptional()
    .describe(
      'true: the bucket stands in the path of the URL, false: in its host. Default: true with endpoint.',
    ),
  access_key_id: secretRef()
    .exactOptional()
    .describe('env:NAME or file:PATH. Default: the AWS credential chain.'),
  secret_access_key: secretRef()
    .exactOptional()
    .describe('env:NAME or file:PATH, together with access_key_id.'),
});

const backup = z.strictObject({
  type: z
    .enum(['live', 'dump', 'pgbackrest'])
    .describe(
      'live: a dump taken from the connection; dump: one of the dumps in a location; pgbackrest: a backup set of a pgBackRest repository, and its WAL.',
    ),
  location: storeLocation()
    .exactOptional()
    .describe('Where the dumps are: a directory, relative to this file, or s3://BUCKET/PREFIX.'),
  match: text()
    .regex(/^[^/]*$/, { error: 'expected a pattern over file names, without directories' })
    .exactOptional()
    .describe('A glob over file names. Default: every format that the engine reads.'),
  tz: timeZone()
    .exactOptional()
    .describe('The time zone of the machine that dumps: pg_dump writes its time without one. Default: UTC.'),
  s3: s3.exactOptional().describe('How to reach an s3:// location.'),
  decrypt: z
    .strictObject({
      age: secretRef().describe('env:NAME or file:PATH, which hold identities of age, or a passphrase.'),
    })
    .exactOptional()
    .describe('What opens dumps that are encrypted.'),
  stanza: text()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, { error: 'expected the name of a stanza, such as main' })
    .exactOptional()
    .describe('pgbackrest: the stanza.'),
  repo: z
    .strictObject({
      path: storeLocation().describe(
        'Where the repository is: a directory (what pgBackRest calls repo1-path), or s3://BUCKET/PREFIX.',
      ),
      s3: s3.exactOptional().describe('How to reach an s3:// repository.'),
      cipher_pass: secretRef()
        .exactOptional()
        .describe('env:NAME or file:PATH, which hold the passphrase of an encrypted repository.'),
    })
    .exactOptional()
    .describe('pgbackrest: where the repository is.'),
  config: directory()
    .exactOptional()
    .describe(
      "pgbackrest, instead of repo: the repository's own pgbackrest.conf, of which repo1-type, repo1-path, repo1-cipher-type, repo1-cipher-pass and repo1-s3-* are read.",
    ),
  delta: z
    .boolean()
    .exactOptional()
    .describe(
      'pgbackrest: true keeps the restored files on the host of the scratch, so that the next drill restores only what changed. Default: false.',
    ),
  process_max: z
    .int()
    .positive()
    .max(999)
    .exactOptional()
    .describe('pgbackrest: processes of a restore. Default: the cores of the scratch.'),
});

const objectives = z.strictObject({
  rto: duration().exactOptional().describe('Fetch and restore together may take so long.'),
  rpo: duration().exactOptional().describe('The newest backup may be so old.'),
  enforce: z
    .enum(['rpo', 'all', 'none'])
    .exactOptional()
    .describe('Which of them a drill fails for, where it is missed. Default: rpo.'),
});

const companion = z.strictObject({
  from: storeLocation().describe(
    'A file or directory, relative to this file, or s3://BUCKET/KEY, or s3://BUCKET/PREFIX.',
  ),
  to: innerPath().describe('The absolute path in the scratch.'),
  s3: s3.exactOptional().describe('How to reach an s3:// location.'),
});

const image = () =>
  text().regex(/^[\w./:@[\]-]+$/, {
    error: 'expected the reference of an image, such as postgres:17; only scratch.images have {major} in it',
  });

/** Every key of a source but its slug: `defaults` has the same. */
const sourceShape = {
  kind: z.enum(['postgres', 'mongodb']).exactOptional().describe('The database engine.'),
  database: text()
    .exactOptional()
    .describe(
      'PostgreSQL: the database that the checks ask. MongoDB, whose checks name theirs: that of a dump which does not tell it, and the one that --keep opens.',
    ),
  connection: z
    .strictObject({ uri: secretRef().describe('env:NAME or file:PATH, which hold the URI.') })
    .exactOptional()
    .describe('The live database: only read, and only for live dumps.'),
  backup: backup
    .exactOptional()
    .describe('Where the backups are. Default: a dump taken live from the connection.'),
  take: take.exactOptional().describe('Backups that Muster itself takes.'),
  fidelity: fidelity
    .exactOptional()
    .describe(
      'What a backup records of its database, for its restore to be compared with. Default: counts for backups that Muster takes, off for live drills.',
    ),
  rehearse: rehearse.exactOptional().describe('What muster rehearse starts from.'),
  checks: z.array(text()).exactOptional().describe('Ids of checks, in the order in which they are asked.'),
  schedule: cron().exactOptional().describe('Instead of schedules: cron of one named default, in UTC.'),
  schedules: z.array(schedule).exactOptional().describe('When drills are due, and what each restores.'),
  objectives: objectives
    .exactOptional()
    .describe('What was promised, and whether a drill fails where it is not kept.'),
  companions: z
    .array(companion)
    .exactOptional()
    .describe('Files that must be in place before the server starts, read-only.'),
  image: image().exactOptional().describe('The image of the scratch; overrides scratch.images.'),
  scratch: scratchLimits.exactOptional().describe('Bounds of the scratch.'),
  limits: timeLimits.exactOptional().describe('Time limits, such as 90s, 15m, 4h.'),
  pool: poolName().exactOptional().describe('The workers that may take its drills. Default: default.'),
  summaries: z
    .enum(['full', 'none'])
    .exactOptional()
    .describe('none: the summary rows stay out of the receipt. Default: full.'),
  restore_only: z
    .boolean()
    .exactOptional()
    .describe('true instead of checks: only that the backup restores is proven.'),
};

const slug = () =>
  z
    .string()
    .max(100)
    .regex(/^[a-z0-9-]+$/, { error: 'expected lower-case letters, digits and hyphens' });

const source = z.strictObject({ slug: slug().describe('The unique name of the source.'), ...sourceShape });

const mapping = () => z.record(z.string(), z.unknown());

const summaryFind = z.strictObject({
  database: text().describe('The database to ask.'),
  collection: text().exactOptional().describe('With filter or aggregate: the collection to ask.'),
  filter: mapping()
    .exactOptional()
    .describe('countDocuments of this filter, in Extended JSON, becomes the row { n }.'),
  aggregate: z
    .array(mapping())
    .exactOptional()
    .describe('The first document of this pipeline, in Extended JSON, becomes the row.'),
  list_collections: z
    .literal(true)
    .exactOptional()
    .describe(
      'The number of collections becomes the row { n }; instead of collection, filter and aggregate.',
    ),
});

const checkId = () =>
  text()
    .max(100)
    // Not a pattern: in the JSON Schema not every editor would understand it.
    .refine((id) => !/\p{C}/u.test(id), { error: 'expected a name without control characters' });

const check = z.strictObject({
  id: checkId().describe('The unique name of the check.'),
  summary_sql: text().exactOptional().describe('PostgreSQL: the query whose one row is judged.'),
  summary_find: summaryFind.exactOptional().describe('MongoDB: the question whose one row is judged.'),
  expect: expectSentence().describe('One comparison, <column> <op> <literal>, such as n > 100.'),
  database: text().exactOptional().describe("With summary_sql: the database to ask. Default: the source's."),
  timeout: timeLimit().exactOptional().describe("Default: the source's limits.check."),
  read_only: z.boolean().exactOptional().describe('true: it cannot write. Default: false.'),
});

/** A hundred years, the most that S3 takes. */
const MAX_LOCK_DAYS = 36_500;

const imagePattern = () =>
  text().regex(/^(?:[\w./:@[\]-]|\{major\})+$/, {
    error: 'expected an image in which {major} stands for the version, such as postgres:{major}',
  });

const objectLock = z.strictObject({
  mode: z
    .enum(['governance', 'compliance'])
    .describe('governance: some users may lift it; compliance: nobody may, until the days are over.'),
  days: z.int().positive().max(MAX_LOCK_DAYS).describe('How long each object is kept, from its writing.'),
});

/** All of a configuration file, keys of features to come included; what crosses keys is held in cross-checks.ts. */
export const configSchema = z
  .strictObject({
    sources: z
      .array(source)
      .min(1, { error: 'expected one source at least' })
      .describe('The databases to prove.'),
    checks: z.array(check).exactOptional().describe('The questions that sources refer to by id.'),
    defaults: z.strictObject(sourceShape).exactOptional().describe('Keys of a source, for all sources.'),
    redis: z
      .strictObject({
        url: secretRef()
          .exactOptional()
          .describe('env:NAME or file:PATH, which hold redis://, rediss:// or unix:PATH.'),
      })
      .exactOptional()
      .describe('The queue of a fleet. Default: one that muster up embeds.'),
    scratch: z
      .strictObject({
        kind: choice(['auto', 'docker', 'bubblewrap'], ['podman', 'uri'])
          .exactOptional()
          .describe('What isolates the scratch. Default: auto.'),
        images: z
          .strictObject({
            postgres: imagePattern().exactOptional().describe('Default: postgres:{major}.'),
            mongodb: imagePattern().exactOptional().describe('Default: mongo:{major}.'),
          })
          .exactOptional()
          .describe('Images by engine; {major} stands for the version that a backup needs.'),
      })
      .exactOptional()
      .describe('Where servers are run in isolation.'),
    signing: z
      .strictObject({ key: secretRef().exactOptional().describe('The private key: env:NAME or file:PATH.') })
      .exactOptional()
      .describe('Who signs the receipts.'),
    evidence: z
      .strictObject({
        store: storeLocation()
          .exactOptional()
          .describe('Where plans and receipts are kept: a directory or s3://BUCKET/PREFIX.'),
        keyring: directory().exactOptional().describe('The public keys that count.'),
        s3: s3.exactOptional().describe('How to reach an s3:// store.'),
        object_lock: objectLock
          .exactOptional()
          .describe('How long an s3:// store itself protects each object. Default: as the bucket has it.'),
      })
      .exactOptional()
      .describe('What proves: plans, receipts, public keys.'),
    index: z
      .strictObject({
        url: secretRef().exactOptional().describe('env:NAME or file:PATH, which hold postgresql://.'),
      })
      .exactOptional()
      .describe('Receipts to query, in PostgreSQL. Default: embedded, in muster up only.'),
    api: api.exactOptional().describe('The HTTP API.'),
    notifications: notYet(),
    telemetry: notYet(),
  })
  .describe('Muster: which backups to prove, and what to ask of them.');

/** A configuration file that fits the schema, its scalars parsed. */
export type ConfigFile = z.output<typeof configSchema>;
export type SourceFile = ConfigFile['sources'][number];
export type CheckFile = NonNullable<ConfigFile['checks']>[number];
