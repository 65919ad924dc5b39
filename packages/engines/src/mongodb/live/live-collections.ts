import type { MongoClient } from 'mongodb';
import { bsonValue, fieldsOf } from '../bson-fields.js';
import { BUCKETS, isRestored } from '../format/collection.js';
import type { LiveCollection } from './write-archive.js';

/** With `raw` the driver yields the bytes of each document. */
export async function* bytesOf(cursor: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const document of cursor) {
    if (!(document instanceof Uint8Array)) throw new Error('the driver did not yield bytes');
    yield document;
  }
}

/** What can be read of a source; databases of the server itself, users and roles are left out. */
export async function collectionsOf(
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

export async function collectionsIn(
  client: MongoClient,
  database: string,
): Promise<readonly LiveCollection[]> {
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
