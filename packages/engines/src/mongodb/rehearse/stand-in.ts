import { MusterError, orAborted } from '@muster/core';
import type { MongoClient } from 'mongodb';
import type { Scripts, StandIn } from '../../rehearse/stand-in.js';
import { DEFAULT_MAJOR, type MongoFacts } from '../mongo-facts.js';
import { clientAt, closeClient, codeOf, SOCKET } from '../server/client.js';
import { isServerError } from '../server/driver.js';

/** Databases of the server itself. */
const OWN = new Set(['admin', 'config', 'local']);

/** Tables are collections, by `database.collection`: a dump is of all databases. */
export function mongodbStandIn({ socketDir }: { readonly socketDir: string }): StandIn {
  return {
    uri: () => `mongodb://${encodeURIComponent(`${socketDir}/${SOCKET}`)}/`,
    seed: (_database, { table, row }, signal) =>
      within(socketDir, signal, async (client) => {
        const { insertedId } = await collectionOf(client, table)
          .insertOne({ ...row })
          .catch((cause: unknown) => {
            if (!isServerError(cause)) throw cause;
            throw new MusterError(
              'rehearsal_unready',
              `The document for ${table} (rehearse.seed) was refused (code ${codeOf(cause) ?? 'none'}): correct its fields and values.`,
              { cause, output: cause.message },
            );
          });
        return { table, row: { ...row, _id: insertedId } };
      }),
    count: (_database, { table, row }, signal) =>
      within(socketDir, signal, (client) => collectionOf(client, table).countDocuments(Object(row))),
    rows: (_database, signal) =>
      within(socketDir, signal, async (client) => {
        const counts = new Map<string, string>();
        const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
        for (const { name } of databases.filter((one) => !OWN.has(one.name))) {
          const listed = await client.db(name).listCollections({}, { promoteValues: true }).toArray();
          for (const one of listed.filter(({ type }) => type !== 'view').toSorted(byName)) {
            if (one.name.startsWith('system.')) continue;
            counts.set(
              `${name}.${one.name}`,
              String(await client.db(name).collection(one.name).countDocuments()),
            );
          }
        }
        return counts;
      }),
  };
}

const NOTHING: MongoFacts = {
  format: 'none',
  container: 'archive',
  wrapper: 'none',
  hasOplog: false,
  major: DEFAULT_MAJOR,
  databases: [],
};

/** Databases and collections are made by the first document in them. */
export const mongodbScripts: Scripts = {
  facts: () => NOTHING,
  make: () => Promise.resolve(),
  run: () =>
    Promise.reject(
      new MusterError(
        'rehearsal_unready',
        'MongoDB runs no migrations (rehearse.migrate): name documents in rehearse.seed.',
      ),
    ),
};

const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);

function collectionOf(client: MongoClient, table: string) {
  const dot = table.indexOf('.');
  if (dot < 1)
    throw new MusterError(
      'rehearsal_unready',
      `${JSON.stringify(table)} (rehearse.seed) names no database: write database.collection.`,
    );
  return client.db(table.slice(0, dot)).collection(table.slice(dot + 1));
}

async function within<T>(
  socketDir: string,
  signal: AbortSignal,
  work: (client: MongoClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = clientAt(socketDir, { promoteValues: true, promoteLongs: true });
  try {
    return await orAborted(work(client), signal);
  } finally {
    await closeClient(client);
  }
}
