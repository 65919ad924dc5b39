import {
  canonicalJson,
  type FidelityDatabase,
  type FidelityManifest,
  MOST_NAME,
  MOST_RECORDED,
  type NotCompared,
  type Sentinel,
  sha256,
  type Unavailable,
} from '@muster/core';
import type { ClientSession, MongoClient } from 'mongodb';
import type { FidelityAsked } from '../../engine.js';
import { extendedJson, fieldsOf } from '../bson-fields.js';
import { bytesOf } from '../live/live-collections.js';
import type { LiveCollection } from '../live/write-archive.js';
import { codeOf } from '../server/client.js';
import { isServerError } from '../server/driver.js';
import { DigestSum } from './digest-sum.js';

type Collection = FidelityDatabase['tables'][number];
type SchemaObject = FidelityDatabase['objects'][number];

/** Users belong to a server, and are in no dump that is drilled. */
const NEVER: NotCompared = { what: 'users, roles, sharding', reason: 'unsupported' };

/** What is recorded, and where from. */
export interface Recording {
  readonly client: MongoClient;
  /** Of which moment; absent where nobody writes. */
  readonly session?: ClientSession;
  readonly collections: readonly LiveCollection[];
  /** Of a server that writes definitions its own way: 0. */
  readonly major: number;
}

/** Records what the collections are. Never rejects: what the server refuses is named. */
export async function recordCollections(
  recording: Recording,
  { level, budgetMs, sentinels }: FidelityAsked,
): Promise<FidelityManifest> {
  const deadline = performance.now() + budgetMs;
  const databases = new Map<string, FidelityDatabase>();
  const unavailable: NotCompared[] = [NEVER];
  for (const collection of recording.collections.slice(0, MOST_RECORDED)) {
    const database = databases.get(collection.database) ?? empty(collection.database);
    databases.set(collection.database, database);
    database.objects.push(...objectsOf(collection));
    if (collection.type !== 'view')
      database.tables.push(await recordCollection(recording, collection, level === 'full', deadline));
  }
  if (recording.collections.length > MOST_RECORDED) unavailable.push({ what: 'tables', reason: 'too_many' });
  for (const sentinel of sentinels) {
    const database = databases.get(sentinel.table.split('.')[0] ?? '');
    if (database === undefined) unavailable.push({ what: sentinel.table, reason: 'failed' });
    else database.sentinels.push(await recordSentinel(recording, sentinel, deadline));
  }
  return {
    level,
    version: 1,
    major: recording.major,
    databases: [...databases.values()],
    unavailable,
  };
}

const empty = (name: string): FidelityDatabase => ({
  name,
  tables: [],
  sequences: [],
  extensions: [],
  objects: [],
  sentinels: [],
});

async function recordCollection(
  { client, session }: Recording,
  { database, name, type }: LiveCollection,
  full: boolean,
  deadline: number,
): Promise<Collection> {
  const collection = client.db(database).collection(name);
  const within = session === undefined ? {} : { session };
  // How a time series is told apart into documents is the server's own affair.
  const contents = full && type !== 'timeseries';
  const read = await reading(deadline, async (maxTimeMS) => {
    if (!contents) return { rows: String(await collection.countDocuments({}, { ...within, maxTimeMS })) };
    const sum = await digestOf(collection.find({}, { ...within, raw: true, maxTimeMS }), deadline);
    return { rows: String(sum.count), sha256: sum.value() };
  });
  if ('unavailable' in read) return { name, ...read };
  return { name, ...read, ...(full && !contents && { unavailable: 'unsupported' }) };
}

async function recordSentinel(
  { client, session }: Recording,
  { table, key }: Sentinel,
  deadline: number,
): Promise<FidelityDatabase['sentinels'][number]> {
  const dot = table.indexOf('.');
  const which = { table, key_sha256: sha256(canonicalJson({ table, key })) };
  const collection = client.db(table.slice(0, dot)).collection(table.slice(dot + 1));
  const filter = Object.entries(key).map(([path, value]) => ({ [path]: { $eq: value } }));
  const read = await reading(deadline, async (maxTimeMS) => {
    const options = { raw: true, maxTimeMS, ...(session !== undefined && { session }) };
    return await digestOf(collection.find({ $and: filter }, options), deadline);
  });
  if ('unavailable' in read) return { ...which, ...read };
  return { ...which, ...(read.count > 0n && { sha256: read.value() }) };
}

class OverBudget extends Error {}

async function digestOf(cursor: AsyncIterable<unknown>, deadline: number): Promise<DigestSum> {
  const sum = new DigestSum();
  for await (const document of bytesOf(cursor)) {
    if (performance.now() > deadline) throw new OverBudget();
    sum.add(document);
  }
  return sum;
}

const UNAUTHORIZED = 13;
const MAX_TIME_EXPIRED = 50;

async function reading<T extends object>(
  deadline: number,
  work: (maxTimeMS: number) => Promise<T>,
): Promise<T | { readonly unavailable: Unavailable }> {
  const left = Math.floor(deadline - performance.now());
  if (left <= 0) return { unavailable: 'budget' };
  try {
    return await work(Math.min(left, 2 ** 31 - 1));
  } catch (error) {
    if (error instanceof OverBudget) return { unavailable: 'budget' };
    const code = isServerError(error) ? codeOf(error) : undefined;
    if (code === UNAUTHORIZED) return { unavailable: 'no_rights' };
    return { unavailable: code === MAX_TIME_EXPIRED ? 'budget' : 'failed' };
  }
}

/** What makes an index this one; the rest is how it was built, and what a server adds. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  ...[
    'key',
    'unique',
    'sparse',
    'partialFilterExpression',
    'expireAfterSeconds',
    'weights',
    'collation',
    'hidden',
  ],
  ...['default_language', 'language_override', 'wildcardProjection'],
]);

function objectsOf({ name, type, described, indexes }: LiveCollection): readonly SchemaObject[] {
  const options = fieldsOf(described).find((field) => field.name === 'options');
  const own = options === undefined ? '' : extendedJson(options, 'canonical');
  return [
    { part: 'collection', name, sha256: sha256(`${type} ${own}`) },
    ...indexes.map((index) => {
      const fields = fieldsOf(index);
      const title = fields.find((field) => field.name === 'name');
      const told = fields
        .filter((field) => ESSENTIAL.has(field.name))
        .map((field) => `${field.name} ${extendedJson(field, 'canonical')}`);
      const label = title === undefined ? '' : String(JSON.parse(extendedJson(title, 'short')));
      return {
        part: 'index',
        name: shortName(`${name}.${label}`),
        sha256: sha256(told.sort().join('\n')),
      };
    }),
  ];
}

/** What is too long is told by its beginning and a digest of all. */
const shortName = (name: string): string =>
  name.length <= MOST_NAME
    ? name
    : `${name.slice(0, 250).toWellFormed()}..${sha256(name).slice('sha256:'.length, 'sha256:'.length + 16)}`;
