import { Readable } from 'node:stream';
import { isMusterError, type MusterError } from '@muster/core';
import { type ClientSession, type MongoClient, MongoServerError } from 'mongodb';
import { dumpFailed } from '../../live/tool-dump.js';
import { bsonValue, fieldsOf } from '../bson-fields.js';
import { BUCKETS, isRestored } from '../format/collection.js';
import { closeClient } from '../server/client.js';
import { liveClient } from './connection-uri.js';
import { rightsMissing } from './rights-missing.js';
import { type LiveCollection, writeArchive } from './write-archive.js';

/** Of one answer: enough to keep a source busy, and little to hold. */
const BATCH_DOCUMENTS = 1000;
const UNAUTHORIZED = 13;
/** SnapshotUnavailable, SnapshotTooOld. */
const SNAPSHOT_GONE = new Set<unknown>([246, 239]);

export interface DriverDump {
  readonly uri: string;
  readonly serverVersion: string;
  /** Absent = every database that may be read. */
  readonly database?: string;
  /** Read all collections as they were at one moment. */
  readonly snapshot: boolean;
}

/**
 * The dump as an archive of mongodump, with nothing but reads. Databases of the server itself, users and roles are left
 * out. Where the source fails the stream is destroyed with `dump_failed`.
 */
export function driverDump(asked: DriverDump, signal: AbortSignal): Readable {
  const client = liveClient(asked.uri);
  const stream = Readable.from(dump(client, asked), { objectMode: false, highWaterMark: 1024 * 1024 });
  const stop = () => {
    stream.destroy(signal.reason);
    // The stream is closed only when a read that is under way has ended, which a silent source would never do.
    void closeClient(client);
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  stream.once('close', () => {
    signal.removeEventListener('abort', stop);
    void closeClient(client);
  });
  return stream;
}

async function* dump(client: MongoClient, asked: DriverDump): AsyncGenerator<Uint8Array> {
  try {
    const collections = await collectionsOf(client, asked.database);
    const session = asked.snapshot ? client.startSession({ snapshot: true }) : undefined;
    yield* writeArchive(asked.serverVersion, collections, ({ database, dataName }) =>
      documentsOf(client, database, dataName, session),
    );
  } catch (error) {
    throw isMusterError(error) ? error : sourceFailed(error);
  }
}

/** The driver's words may quote the URI or data: they go to the diagnosis file alone. */
function sourceFailed(cause: unknown): MusterError {
  const code = cause instanceof MongoServerError ? cause.code : undefined;
  if (code === UNAUTHORIZED) return rightsMissing({ cause });
  const why = SNAPSHOT_GONE.has(code)
    ? 'it took longer than the source keeps its snapshots (minSnapshotHistoryWindowInSeconds)'
    : `the source stopped answering${code === undefined ? '' : ` (code ${code})`}`;
  return dumpFailed(why, { cause });
}

async function* documentsOf(
  client: MongoClient,
  database: string,
  name: string,
  session: ClientSession | undefined,
): AsyncGenerator<Uint8Array> {
  const options = { raw: true, batchSize: BATCH_DOCUMENTS, ...(session !== undefined && { session }) };
  yield* bytesOf(client.db(database).collection(name).find({}, options));
}

/** With `raw` the driver yields the bytes of each document. */
async function* bytesOf(cursor: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const document of cursor) {
    if (!(document instanceof Uint8Array)) throw new Error('the driver did not yield bytes');
    yield document;
  }
}

async function collectionsOf(
  client: MongoClient,
  only: string | undefined,
): Promise<readonly LiveCollection[]> {
  const found: LiveCollection[] = [];
  for (const database of only === undefined ? await databasesOf(client) : [only])
    found.push(...(await collectionsIn(client, database)));
  return found;
}

async function databasesOf(client: MongoClient): Promise<readonly string[]> {
  // Whoever may not list them all is told those that he may read.
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).sort();
}

async function collectionsIn(client: MongoClient, database: string): Promise<readonly LiveCollection[]> {
  const listed = await Array.fromAsync(bytesOf(client.db(database).listCollections({}, { raw: true })));
  const all = listed.map((described) => ({
    described,
    name: word(described, 'name'),
    type: word(described, 'type'),
  }));
  const names = new Set(all.map(({ name }) => name));
  const wanted = all
    .filter(({ name }) => isRestored(database, name) && !name.startsWith(BUCKETS))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const found: LiveCollection[] = [];
  for (const { described, name, type } of wanted) {
    if (type === 'view') {
      found.push({ database, name, type, described, indexes: [], dataName: name });
      continue;
    }
    const cursor = client.db(database).collection(name).listIndexes({ raw: true });
    const indexes = await Array.fromAsync(bytesOf(cursor));
    // The documents of a time series, as mongodump has them; servers from 8.2 on show them under its own name.
    const buckets = `${BUCKETS}${name}`;
    const dataName = type === 'timeseries' && names.has(buckets) ? buckets : name;
    found.push({ database, name, type, described, indexes, dataName });
  }
  return found;
}

/** A string of a document; servers before 3.4 name no `type`. */
function word(document: Uint8Array, name: string): string {
  const field = fieldsOf(document).find((one) => one.name === name);
  const value = field === undefined ? undefined : bsonValue(field);
  return typeof value === 'string' ? value : 'collection';
}
