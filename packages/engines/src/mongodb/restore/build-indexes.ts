import { MusterError } from '@muster/core';
import type { Db, MongoServerError } from 'mongodb';
import { type DumpedCollection, namespaceOf } from '../format/collection.js';
import type { OrderedDocument } from '../format/ordered-json.js';
import { isServerError } from '../server/driver.js';
import { type DroppedOptions, isForeignStorageEngine, refusedOption } from './dropped-options.js';

/** Without them it would be another index, or say something else of the data. */
const ESSENTIAL = new Set([
  ...['key', 'name', 'unique', 'sparse', 'partialFilterExpression', 'expireAfterSeconds', 'weights'],
  ...['default_language', 'language_override'],
]);
/** Where it was, how it was built, and a version that a newer server may not know: it takes its own, as for mongorestore. */
const OBSOLETE = new Set(['ns', 'v', 'background', 'dropDups', 'safe']);

/** MongoDB bounds the name of an index by nothing but the size of a document. */
const SHOWN_NAME = 128;

const SIMPLE: OrderedDocument = new Map([['locale', 'simple']]);

/**
 * Builds the indexes of a collection over its documents, all in one scan; options that the target does not know are left
 * out and counted. @throws `restore_failed`.
 */
export async function buildIndexes(
  db: Db,
  collection: DumpedCollection,
  dropped: DroppedOptions,
): Promise<number> {
  const wanted = collection.indexes
    .filter((index) => !isMadeWithCollection(index))
    .map((index) => {
      const foreign = [...index].filter(([option, value]) => isForeignStorageEngine(option, value));
      for (const [option] of foreign) dropped.note('createIndexes', option);
      return prepared(index, collection);
    });
  if (wanted.length === 0) return 0;
  try {
    await build(db, collection, wanted);
  } catch (error) {
    if (!isServerError(error)) throw error;
    // Which of them it was is known only one by one.
    for (const index of wanted) await buildOne(db, collection, index, dropped);
  }
  return wanted.length;
}

const build = (db: Db, { name }: DumpedCollection, indexes: readonly OrderedDocument[]): Promise<unknown> =>
  db.command({ createIndexes: name, indexes });

async function buildOne(
  db: Db,
  collection: DumpedCollection,
  wanted: OrderedDocument,
  dropped: DroppedOptions,
): Promise<void> {
  const index = new Map(wanted);
  for (;;) {
    try {
      await build(db, collection, [index]);
      return;
    } catch (error) {
      if (!isServerError(error)) throw error;
      const refused = refusedOption(
        error,
        [...index.keys()].filter((option) => !ESSENTIAL.has(option)),
      );
      if (refused === undefined) throw failed(collection, index, error);
      index.delete(refused);
      dropped.note('createIndexes', refused);
    }
  }
}

/** The index of `_id`, and the one that a clustered collection is. */
const isMadeWithCollection = (index: OrderedDocument): boolean => {
  const key = index.get('key');
  const ofId = key instanceof Map && key.size === 1 && key.has('_id') && Number(key.get('_id')) === 1;
  return ofId || index.has('clustered');
};

/** An index that says nothing of collation has none, also where its collection has a default. */
function prepared(index: OrderedDocument, { options }: DumpedCollection): OrderedDocument {
  const kept = [...index].filter(
    ([option, value]) => !OBSOLETE.has(option) && !isForeignStorageEngine(option, value),
  );
  const collated = options.has('collation') && !index.has('collation');
  return new Map(collated ? [...kept, ['collation', SIMPLE]] : kept);
}

const failed = (collection: DumpedCollection, index: OrderedDocument, error: MongoServerError): MusterError =>
  new MusterError(
    'restore_failed',
    `The index ${JSON.stringify(String(index.get('name')).slice(0, SHOWN_NAME))} of ${namespaceOf(collection)} could not be built (code ${Number(error.code)}). On its worker, \`muster drill show ID --output\` has the server's words.`,
    { cause: error, output: error.message },
  );
