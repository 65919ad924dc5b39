import { MusterError } from '@muster/core';
import type { MongoClient } from 'mongodb';
import { type DumpedCollection, dataNames, isRestored, namespaceOf } from '../format/collection.js';
import { buildIndexes } from './build-indexes.js';
import { createCollection } from './create-collection.js';
import { DroppedOptions } from './dropped-options.js';
import { type Insert, Loader } from './loader.js';
import { insertRaw } from './raw-insert.js';

/** The steps of a restore through the driver, for who reads the dump. */
export interface Target {
  readonly dropped: DroppedOptions;
  readonly loader: Loader;
  /** All but views; then the loader may begin. @throws `needs_mongorestore` for a kind that is not known, `restore_failed`, `unsupported_dump`. */
  create(collections: readonly DumpedCollection[]): Promise<void>;
  /** Every document has been added: indexes, then views. @returns how many collections, indexes and views there are. */
  finish(collections: readonly DumpedCollection[], jobs: number): Promise<number>;
}

/** From MongoDB 8.3 on a time series is one collection, whose buckets only `rawData` shows. */
const VIEWLESS_SINCE = [8, 3] as const;
/** The last number from which on each series can be told to keep empty timestamps (SERVER-88750); all can since 8.0. */
const KEEPS_TIMESTAMPS_SINCE: Readonly<Record<string, number | undefined>> = {
  '5.0': 29,
  '6.0': 17,
  '7.0': 13,
};

/** `version`: of the server. `substitute`: it is not MongoDB. `only`: of this database; absent = of all in the dump. */
export function targetOf(
  client: MongoClient,
  server: { readonly version: string; readonly substitute?: string },
  only?: string,
): Target {
  const [major = 0, minor = 0, patch = 0] = server.version
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  const keepsTimestamps =
    major >= 8 || patch >= (KEEPS_TIMESTAMPS_SINCE[`${major}.${minor}`] ?? Number.POSITIVE_INFINITY);
  const viewless = major > VIEWLESS_SINCE[0] || (major === VIEWLESS_SINCE[0] && minor >= VIEWLESS_SINCE[1]);
  const flags = {
    // What was in the collection before its validator came is in the dump too.
    bypassDocumentValidation: true,
    // A stand-in never puts another in their place.
    ...(keepsTimestamps && server.substitute === undefined ? { bypassEmptyTsReplacement: true } : {}),
  };
  const dropped = new DroppedOptions();
  const isWanted = ({ database }: DumpedCollection): boolean => only === undefined || database === only;
  const insert: Insert = async (collection, documents) => {
    if (!isWanted(collection)) return;
    const db = client.db(collection.database);
    const series = collection.kind === 'timeseries';
    const name = series && !viewless ? (dataNames(collection)[0] ?? collection.name) : collection.name;
    const { inserted, refused } = await insertRaw(db, name, documents, {
      ...flags,
      ...(series && viewless ? { rawData: true } : {}),
      // A bucket is not held against the validator of the series.
      ...(series ? { bypassDocumentValidation: false } : {}),
    });
    if (inserted === documents.length && refused === undefined) return;
    const missing = documents.length - inserted;
    throw new MusterError(
      'restore_failed',
      `${missing} ${missing === 1 ? 'document of' : 'documents of'} ${namespaceOf(collection)} ${missing === 1 ? 'was' : 'were'} not taken by the server (code ${refused ?? 0}).`,
    );
  };
  const loader = new Loader(insert);
  return {
    dropped,
    loader,
    create: async (collections) => {
      const wanted = restoredOf(collections).filter(isWanted);
      for (const collection of wanted) requireKnown(collection);
      await createAll(
        client,
        wanted.filter(({ kind }) => kind !== 'view'),
        dropped,
      );
      loader.begin();
    },
    finish: async (collections, jobs) => {
      const wanted = restoredOf(collections).filter(isWanted);
      const indexes = await buildAllIndexes(client, wanted, jobs, dropped);
      await createAll(
        client,
        wanted.filter(({ kind }) => kind === 'view'),
        dropped,
      );
      return wanted.length + indexes;
    },
  };
}

export const restoredOf = (collections: readonly DumpedCollection[]): readonly DumpedCollection[] =>
  collections.filter(({ database, name }) => isRestored(database, name));

export async function createAll(
  client: MongoClient,
  collections: readonly DumpedCollection[],
  dropped: DroppedOptions,
): Promise<void> {
  for (const collection of collections) {
    await createCollection(client.db(collection.database), collection, dropped);
  }
}

/** @returns how many were built. */
export async function buildAllIndexes(
  client: MongoClient,
  collections: readonly DumpedCollection[],
  jobs: number,
  dropped: DroppedOptions,
): Promise<number> {
  const waiting = collections.filter(({ kind }) => kind !== 'view');
  let built = 0;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      built += await buildIndexes(client.db(next.database), next, dropped);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, work));
  return built;
}

function requireKnown(collection: DumpedCollection): void {
  if (collection.kind !== 'unknown') return;
  throw new MusterError(
    'needs_mongorestore',
    `The collection ${namespaceOf(collection)} is of a kind that Muster's own reader does not know. Name an image with mongorestore with \`image:\`.`,
  );
}
