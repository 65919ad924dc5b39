import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BSON } from 'mongodb';

export interface DumpedCollection {
  readonly documents: readonly Readonly<Record<string, unknown>>[];
  /** Beside that of `_id`, as mongodump writes them. */
  readonly indexes?: readonly Readonly<Record<string, unknown>>[];
}

/** A dump as `mongodump --out` writes it: the directory must not exist. For dumps of a test's own making, small. */
export async function writeMongodump(
  directory: string,
  database: string,
  collections: Readonly<Record<string, DumpedCollection>>,
): Promise<void> {
  const folder = join(directory, database);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'prelude.json'),
    JSON.stringify({ ServerVersion: '8.0.4', ToolVersion: '100.10.0' }),
  );
  await Promise.all(
    Object.entries(collections).flatMap(([name, { documents, indexes = [] }]) => [
      writeFile(
        join(folder, `${name}.bson`),
        Buffer.concat(documents.map((document) => BSON.serialize(document))),
      ),
      writeFile(join(folder, `${name}.metadata.json`), JSON.stringify(metadataOf(name, indexes))),
    ]),
  );
}

function metadataOf(name: string, indexes: NonNullable<DumpedCollection['indexes']>) {
  const ofId = { v: 2, key: { _id: 1 }, name: '_id_' };
  return { indexes: [ofId, ...indexes], collectionName: name, type: 'collection' };
}
