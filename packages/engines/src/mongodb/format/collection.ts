import { MusterError } from '@muster/core';
import { type OrderedDocument, parseOrdered } from './ordered-json.js';

/** One collection of a dump, as its metadata tells of it. */
export interface DumpedCollection {
  readonly database: string;
  readonly name: string;
  /** `unknown`: a kind that the dump names and that is none of these. */
  readonly kind: 'collection' | 'view' | 'timeseries' | 'unknown';
  /** What `create` is to be given beside the name. */
  readonly options: OrderedDocument;
  /** As `listIndexes` told of them. */
  readonly indexes: readonly OrderedDocument[];
}

/** Where a time series has its documents, up to MongoDB 8.2. */
export const BUCKETS = 'system.buckets.';

const EMPTY: OrderedDocument = new Map();
/** Of the metadata of one collection: MongoDB has 64 indexes at most, and a validator is no data. */
const MAX_VALUES = 200_000;
/** Of all that are held at a time: a hundred thousand collections with four indexes each have half of it. */
const MAX_HELD_VALUES = 8_000_000;
/** A server takes 63 bytes for a database, and 255 for both names. */
const MAX_NAME_BYTES = 255;
/** Kinds that servers name (listCollections); archives of old tools name none. */
const PLAIN_KINDS = new Set(['', 'collection', 'timeseries', 'view']);

/**
 * Reads the metadata of a collection, in Extended JSON. `entryKind`: what an archive says of it beside.
 * @throws `corrupt`.
 */
export function readMetadata(
  namespace: { readonly database: string; readonly name: string },
  json: string,
  entryKind = '',
): DumpedCollection {
  const { database, name } = namespace;
  if (valuesIn(json) > MAX_VALUES)
    throw tooMany(`The metadata of the collection ${namespaceOf(namespace)} hold`);
  const metadata = documentOf(json, namespace);
  const told = metadata.get('collectionName');
  if (told !== undefined && told !== name) throw damaged(namespace);
  const kind = metadata.get('type') ?? entryKind;
  if (typeof kind !== 'string' || (entryKind !== '' && kind !== entryKind)) throw damaged(namespace);
  const options = metadata.get('options') ?? EMPTY;
  const indexes = metadata.get('indexes') ?? [];
  if (!isDocument(options) || !Array.isArray(indexes) || !indexes.every(isIndex)) throw damaged(namespace);
  return { database, name, kind: kindOf(kind, options), options, indexes };
}

/** Counts what the metadata of a dump come to in memory, which is far more than their text. */
export class MetadataBudget {
  #values = 0;

  /** @throws `backup_unreadable`: as a dump that is not supported it would be passed over for an older one. */
  take(json: string): void {
    this.#values += valuesIn(json);
    if (this.#values > MAX_HELD_VALUES) throw tooMany('The metadata of the dump hold');
  }
}

/** At most so many values stand in a text of JSON: each but the first follows one of these. */
function valuesIn(json: string): number {
  let count = 1;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === 0x2c || code === 0x5b || code === 0x7b) count += 1;
  }
  return count;
}

const tooMany = (what: string): MusterError =>
  new MusterError('backup_unreadable', `${what} more than Muster keeps in memory.`);

/** False for names that no server gives, and no driver takes. An oplog has none of a database. */
export const isNamespace = (database: string, name: string): boolean =>
  (isOplog(database, name) || /^[^\0/\\. "$]+$/.test(database)) &&
  /^[^\0]+$/.test(name) &&
  Buffer.byteLength(database) <= MAX_NAME_BYTES &&
  Buffer.byteLength(name) <= MAX_NAME_BYTES;

/** A collection of which there is only data: users and roles, the oplog. */
export const withoutMetadata = (database: string, name: string): DumpedCollection => ({
  database,
  name,
  kind: 'collection',
  options: EMPTY,
  indexes: [],
});

function documentOf(json: string, namespace: Parameters<typeof damaged>[0]): OrderedDocument {
  try {
    const parsed = parseOrdered(json);
    if (isDocument(parsed)) return parsed;
  } catch (cause) {
    throw damaged(namespace, cause);
  }
  throw damaged(namespace);
}

/** A view that was dumped as a collection (`--viewsAsCollections`) still calls itself a view, and has no `viewOn`. */
function kindOf(kind: string, options: OrderedDocument): DumpedCollection['kind'] {
  if (!PLAIN_KINDS.has(kind)) return 'unknown';
  if (options.has('viewOn')) return 'view';
  return options.has('timeseries') ? 'timeseries' : 'collection';
}

const isDocument = (value: unknown): value is OrderedDocument => value instanceof Map;

const isIndex = (value: unknown): value is OrderedDocument =>
  isDocument(value) && isDocument(value.get('key')) && typeof value.get('name') === 'string';

const damaged = (
  namespace: { readonly database: string; readonly name: string },
  cause?: unknown,
): MusterError =>
  new MusterError(
    'corrupt',
    `The metadata of the collection ${namespaceOf(namespace)} are damaged. Take another backup.`,
    { cause },
  );

export const namespaceOf = ({
  database,
  name,
}: {
  readonly database: string;
  readonly name: string;
}): string => `${database}.${name}`;

/** The names under which the documents of a collection may lie in a dump. */
export const dataNames = ({ kind, name }: DumpedCollection): readonly string[] =>
  kind === 'timeseries' ? [`${BUCKETS}${name}`, name] : [name];

/** The collection whose documents lie under this name. */
export const withoutBuckets = (name: string): string =>
  name.startsWith(BUCKETS) ? name.slice(BUCKETS.length) : name;

/** Where `mongodump --db --dumpDbUsersAndRoles` keeps users and roles. */
const isUsersAndRoles = (name: string): boolean => name.startsWith('$admin.');

/** Top-level in a dump taken with `--oplog`. */
export const isOplog = (database: string, name: string): boolean => database === '' && name === 'oplog';

/** mongodump writes metadata for every collection but these. */
export const hasNoMetadata = (database: string, name: string): boolean =>
  isOplog(database, name) || isUsersAndRoles(name) || name === 'system.indexes';

/**
 * True for what a drill restores. What belongs to a server rather than to its data is left out: `local`, `config`, users
 * and roles (which could lock the drill out), profiles, and the internal databases that mongodump leaves out too.
 */
export function isRestored(database: string, name: string): boolean {
  if (database === '' || database === 'local' || database === 'config') return false;
  if (database.startsWith('__mdb_internal') || isUsersAndRoles(name)) return false;
  if (database === 'admin' && name.startsWith('system.')) return false;
  return !['system.profile', 'system.indexes', 'system.namespaces', 'system.views'].includes(name);
}

/** The databases that a drill restores of these, sorted. */
export const databasesOf = (
  collections: readonly Pick<DumpedCollection, 'database' | 'name'>[],
): readonly string[] =>
  [
    ...new Set(
      collections.filter(({ database, name }) => isRestored(database, name)).map(({ database }) => database),
    ),
  ].sort();
