import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Int32, Long, serialize } from 'bson';
import { ARCHIVE_MAGIC } from './archive-prelude.js';
import { Crc64 } from './crc64.js';

/** One collection to write into a dump, as mongodump would. */
export interface FixtureCollection {
  readonly database: string;
  readonly name: string;
  readonly documents?: readonly Buffer[];
  readonly options?: object;
  readonly indexes?: readonly object[];
  readonly type?: string;
  /** For what mongodump writes without: users, the oplog. */
  readonly bare?: boolean;
  /** Documents under another name than the metadata: a time series. */
  readonly dataName?: string;
}

export const TERMINATOR = Buffer.from([0xff, 0xff, 0xff, 0xff]);
const ID_INDEX = { v: { $numberInt: '2' }, key: { _id: { $numberInt: '1' } }, name: '_id_' };

export const documentOf = (value: object): Buffer => Buffer.from(serialize(value));

/** So many documents `{ _id, text }`. */
export const someDocuments = (count: number, text = 'x'.repeat(50)): readonly Buffer[] =>
  Array.from({ length: count }, (_, i) => documentOf({ _id: new Int32(i), text }));

const metadataOf = ({ name, options, indexes = [], type = 'collection' }: FixtureCollection): string =>
  JSON.stringify({
    ...(options && { options }),
    indexes: type === 'view' ? [] : [ID_INDEX, ...indexes],
    uuid: '50131a7b972746f8a25cd47cb2afca9e',
    collectionName: name,
    type,
  });

const blockOf = (database: string, name: string, documents: readonly Buffer[], crc?: bigint): Buffer =>
  Buffer.concat([
    documentOf({
      db: database,
      collection: name,
      EOF: crc !== undefined,
      CRC: Long.fromBigInt(BigInt.asIntN(64, crc ?? 0n)),
    }),
    ...documents,
    TERMINATOR,
  ]);

const crcOf = (documents: readonly Buffer[]): bigint => {
  const crc = new Crc64();
  for (const document of documents) crc.update(document);
  return crc.value();
};

export function preludeOf(collections: readonly FixtureCollection[], serverVersion = '7.0.14'): Buffer {
  return Buffer.concat([
    ARCHIVE_MAGIC,
    documentOf({
      concurrent_collections: new Int32(4),
      version: '0.1',
      server_version: serverVersion,
      tool_version: '100.10.0',
    }),
    ...collections.map((collection) =>
      documentOf({
        db: collection.database,
        collection: collection.name,
        metadata: collection.bare ? '' : metadataOf(collection),
        size: new Int32(0),
        type: collection.bare ? '' : (collection.type ?? 'collection'),
      }),
    ),
    TERMINATOR,
  ]);
}

/** An archive whose collections take turns, `turn` documents each. */
export function archiveOf(collections: readonly FixtureCollection[], turn = 10): Buffer {
  const blocks: Buffer[] = [preludeOf(collections)];
  const longest = Math.max(0, ...collections.map(({ documents = [] }) => documents.length));
  for (let at = 0; at < longest; at += turn) {
    for (const { database, name, dataName = name, documents = [] } of collections) {
      const some = documents.slice(at, at + turn);
      if (some.length > 0) blocks.push(blockOf(database, dataName, some));
    }
  }
  for (const { database, name, dataName = name, documents = [] } of collections) {
    blocks.push(blockOf(database, dataName, [], crcOf(documents)));
  }
  return Buffer.concat(blocks);
}

const escapeName = (name: string): string => encodeURIComponent(name).replaceAll('%20', '+');

/** The directory form, made below `root`. */
export async function writeDirectory(
  root: string,
  collections: readonly FixtureCollection[],
  gzip = false,
): Promise<void> {
  const suffix = gzip ? '.gz' : '';
  const put = (path: string, bytes: Buffer | string, end = suffix): Promise<void> =>
    writeFile(`${join(root, path)}${end}`, gzip ? gzipSync(bytes) : bytes);
  await mkdir(root, { recursive: true });
  await put('prelude.json', JSON.stringify({ ServerVersion: '7.0.14', ToolVersion: '100.10.0' }));
  for (const collection of collections) {
    const { database, name, dataName = name, documents = [], type, bare } = collection;
    if (database === '') {
      await put('oplog.bson', Buffer.concat(documents), '');
      continue;
    }
    await mkdir(join(root, database), { recursive: true });
    const base = bare ? name : escapeName(name);
    if (!bare) await put(`${database}/${base}.metadata.json`, metadataOf(collection));
    if (type !== 'view') {
      const data = dataName === name ? base : escapeName(dataName);
      await put(`${database}/${data}.bson`, Buffer.concat(documents));
    }
  }
}
