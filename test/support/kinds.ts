import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceKind } from '@muster/core';
import { describe } from 'vitest';
import type { Isolation } from './drill-project.ts';
import type { DumpServer } from './dumps.ts';
import { IMAGES } from './images.ts';
import { startMongo } from './mongo-server.ts';
import { writeMongodump } from './mongodump.ts';
import { canRunIn, canRunMongo } from './needs.ts';
import { plainDump } from './plain-dump.ts';
import type { TestQuestion } from './source-text.ts';

export interface SampleDump {
  /** How long its restore takes, about and at the least. */
  readonly restoreMs?: number;
  /** The `name` of its one row of `people`. */
  readonly name?: string;
  /** Its restore fails, in words of the server that quote this. */
  readonly failsQuoting?: string;
}

export interface LiveSource {
  readonly uri: string;
  close(): Promise<void>;
}

/** What tests that run for each kind of source need to know of it. */
export interface TestKind {
  readonly kind: SourceKind;
  /** Has a server for whatever these dumps and live sources need. */
  readonly image: string;
  /** Puts a dump with one row, or document, in `people` into a directory of dumps. */
  dump(dumps: string, sample?: SampleDump): Promise<void>;
  /**
   * Counts the people: `n` is 1. It takes `takesMs`, about and at the least. With `text` the row has that too, out of the
   * question itself, and beside it the name of the row.
   */
  count(options?: { readonly takesMs?: number; readonly text?: string }): TestQuestion;
  /**
   * A live database `shop` with one row, or document, in `people`, whose URI holds `marked`. `server` may hold it.
   * The caller closes it.
   */
  live(server: DumpServer, marked: string, name: string): Promise<LiveSource>;
  /** Fails, in words of the server that quote this. */
  broken(quoting: string): TestQuestion;
}

const postgres: TestKind = {
  kind: 'postgres',
  image: IMAGES[15],
  dump: async (dumps, { restoreMs, name = 'somebody', failsQuoting } = {}) => {
    const statements = [
      `CREATE ROLE reader PASSWORD '${name}';`,
      `CREATE TABLE people (name text); INSERT INTO people VALUES ('${name}');`,
      restoreMs === undefined ? '' : `SELECT pg_sleep(${restoreMs / 1000});`,
      failsQuoting === undefined ? '' : `SELECT '${failsQuoting}'::integer;`,
    ];
    await writeFile(join(dumps, 'shop.sql'), plainDump(statements.join('\n')));
  },
  count: ({ takesMs = 0, text } = {}) => {
    const more = text === undefined ? '' : `, '${text}' AS text, max(name) AS row`;
    return `SELECT count(*) AS n${more} FROM people, (SELECT pg_sleep(${takesMs / 1000})) AS slept`;
  },
  live: async (server, marked, name) => {
    await server.tool('createdb', ['shop']);
    await server.sql('shop', `CREATE TABLE people (name text); INSERT INTO people VALUES ('${name}')`);
    const uri = `postgresql://postgres:${marked}@/shop?host=${encodeURIComponent(server.dir)}`;
    return { uri, close: async () => {} };
  },
  broken: (quoting) => `SELECT '${quoting}'::integer AS n`,
};

/** MongoDB has nothing that sleeps: it is given work, as much as took so long on two slow cores. */
const DOCUMENTS_PER_MS = 50;
const STEPS_PER_MS = 330;

const mongodb: TestKind = {
  kind: 'mongodb',
  image: IMAGES.mongo,
  dump: (dumps, { restoreMs = 0, name = 'somebody', failsQuoting } = {}) => {
    const twice = failsQuoting === undefined ? [] : [{ _id: 1 }, { _id: 2 }];
    return writeMongodump(join(dumps, 'shop-dump'), 'shop', {
      people: { documents: [{ _id: 1, name }] },
      ballast: {
        documents: Array.from({ length: restoreMs * DOCUMENTS_PER_MS }, (_, index) => ({ _id: index })),
      },
      unique: {
        documents: twice.map((document) => ({ ...document, once: failsQuoting })),
        indexes: [{ v: 2, key: { once: 1 }, name: 'once', unique: true }],
      },
    });
  },
  count: ({ takesMs = 0, text } = {}) => ({
    database: 'shop',
    collection: 'people',
    aggregate: [
      { $set: { step: { $range: [0, 1 + takesMs * STEPS_PER_MS] } } },
      { $unwind: '$step' },
      { $group: { _id: '$_id', row: { $first: '$name' } } },
      {
        $group: { _id: null, n: { $sum: 1 }, ...(text === undefined ? {} : { row: { $first: '$row' } }) },
      },
      { $project: { _id: 0, n: 1, ...(text === undefined ? {} : { row: 1, text: { $literal: text } }) } },
    ],
  }),
  live: async (_server, marked, name) => {
    const { client, uri, close } = await startMongo();
    await client.db('shop').collection('people').insertOne({ name });
    return { uri: uri('shop', `appName=${marked}`), close };
  },
  broken: (quoting) => ({
    database: 'shop',
    collection: 'people',
    aggregate: [{ $project: { n: { $toInt: { $literal: quoting } } } }],
  }),
};

export const KINDS: Readonly<Record<SourceKind, TestKind>> = { postgres, mongodb };

interface HowToRun {
  /** All of them side by side, for those that share nothing and mostly wait. */
  readonly atOnce?: boolean;
}

/** The same tests for each kind of source, in Docker, where they can run; skipped else. `%s` in the title is the kind. */
export function describeKinds(title: string, tests: (kind: TestKind) => void, how: HowToRun = {}): void {
  describeKindsIn(['docker'], title, tests, how);
}

/** The same in each of these; `%s` in the title is the kind, a second one the place. */
export function describeKindsIn(
  isolations: readonly Isolation[],
  title: string,
  tests: (kind: TestKind, isolation: Isolation) => void,
  { atOnce = false }: HowToRun = {},
): void {
  const options = { concurrent: atOnce };
  for (const isolation of isolations) {
    const here = canRunIn(isolation);
    const titleOf = (kind: string): string => title.replace('%s', kind).replace('%s', isolation);
    describe.runIf(here)(titleOf('PostgreSQL'), options, () => tests(postgres, isolation));
    describe.runIf(here && canRunMongo(isolation))(titleOf('MongoDB'), options, () =>
      tests(mongodb, isolation),
    );
  }
}
