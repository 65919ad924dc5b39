import { MusterError } from '@muster/core';
import type { Db, MongoServerError } from 'mongodb';
import { type DumpedCollection, namespaceOf } from '../format/collection.js';
import { isServerError } from '../server/driver.js';
import {
  type DroppedOptions,
  isForeignStorageEngine,
  isUnsupported,
  refusedOption,
} from './dropped-options.js';

/** Without them it would be another kind of collection. */
const ESSENTIAL = new Set(['viewOn', 'pipeline', 'timeseries']);
/** Taken back by MongoDB itself (4.0, 8.2), or set by it alone: nothing is lost without them. */
const OBSOLETE = new Set(['autoIndexId', 'recordIdsReplicated', 'idIndex', 'flags']);
/** Fields of every command: as an option one would say where, when or how a collection is made, and not what it is. */
const OF_COMMANDS = new Set([
  ...['create', 'writeConcern', 'readConcern', 'maxTimeMS', 'comment', 'apiVersion', 'apiStrict'],
  ...['apiDeprecationErrors', 'lsid', 'txnNumber', 'startTransaction', 'autocommit', 'noResponse'],
]);

/** These mean nothing without `capped`. */
const OF_CAPPED = ['size', 'max'];

/**
 * Creates a collection, a view or a time series, with its options; those that the target does not know are left out and
 * counted. @throws `restore_failed`, `unsupported_dump`.
 */
export async function createCollection(
  db: Db,
  collection: DumpedCollection,
  dropped: DroppedOptions,
): Promise<void> {
  const options = new Map([...collection.options].filter(([option]) => !OBSOLETE.has(option)));
  const drop = (option: string): void => {
    if (options.delete(option)) dropped.note('create', option);
  };
  for (const [option, value] of options) {
    if (option.startsWith('$') || OF_COMMANDS.has(option) || isForeignStorageEngine(option, value))
      drop(option);
  }
  for (;;) {
    try {
      await db.command({ create: collection.name, ...Object.fromEntries(options) });
      return;
    } catch (error) {
      if (!isServerError(error)) throw error;
      const refused = refusedOption(error, options.keys());
      if (refused === undefined) {
        const special = collection.kind !== 'collection' && isUnsupported(error);
        throw special ? kindUnknown(collection, error) : failed(collection, error);
      }
      if (ESSENTIAL.has(refused)) throw kindUnknown(collection, error);
      drop(refused);
      if (refused === 'capped') for (const option of OF_CAPPED) options.delete(option);
    }
  }
}

const failed = (collection: DumpedCollection, error: MongoServerError): MusterError =>
  new MusterError(
    'restore_failed',
    `The collection ${namespaceOf(collection)} could not be created (code ${Number(error.code)}). On its worker, \`muster drill show ID --output\` has the server's words.`,
    { cause: error, output: error.message },
  );

const kindUnknown = (collection: DumpedCollection, error: MongoServerError): MusterError =>
  new MusterError(
    'unsupported_dump',
    `The server does not know the kind of collection that ${namespaceOf(collection)} is (code ${Number(error.code)}). Name an image that does with \`image:\`.`,
    { cause: error, output: error.message },
  );
