import { Int32, Long, serialize } from 'bson';
import { extendedJson, fieldsOf } from '../bson-fields.js';
import { ARCHIVE_MAGIC } from '../format/archive-prelude.js';
import { Crc64 } from '../format/crc64.js';

/** A collection as the source tells of it. */
export interface LiveCollection {
  readonly database: string;
  readonly name: string;
  /** As `listCollections` has it. */
  readonly type: string;
  /** The answer of `listCollections`: its `options` and `info`, as bytes. */
  readonly described: Uint8Array;
  /** Those of `listIndexes`, as bytes. */
  readonly indexes: readonly Uint8Array[];
  /** Under which name its documents lie. */
  readonly dataName: string;
}

const TERMINATOR = Buffer.from([0xff, 0xff, 0xff, 0xff]);
/** Documents are written together up to so many bytes. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Writes what mongodump writes with `--archive` (mongo-tools, package archive), one collection after another: the
 * prelude, then for each a block of documents, and a block that says that it ended, with the CRC-64 of its documents;
 * of a view there are none.
 */
export async function* writeArchive(
  serverVersion: string,
  collections: readonly LiveCollection[],
  documentsOf: (collection: LiveCollection) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield preludeOf(serverVersion, collections);
  for (const collection of collections) {
    const { database, dataName, type } = collection;
    const crc = new Crc64();
    yield headerOf(database, dataName);
    let pieces: Uint8Array[] = [];
    let held = 0;
    for await (const document of type === 'view' ? [] : documentsOf(collection)) {
      crc.update(document);
      pieces.push(document);
      held += document.length;
      if (held < CHUNK_BYTES) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      held = 0;
    }
    yield Buffer.concat([...pieces, TERMINATOR, headerOf(database, dataName, crc.value()), TERMINATOR]);
  }
}

function preludeOf(serverVersion: string, collections: readonly LiveCollection[]): Buffer {
  const header = {
    concurrent_collections: new Int32(1),
    version: '0.1',
    server_version: serverVersion,
    tool_version: 'muster',
  };
  const entries = collections.map((collection) => ({
    db: collection.database,
    collection: collection.name,
    metadata: metadataOf(collection),
    size: new Int32(0),
    type: collection.type,
  }));
  return Buffer.concat([ARCHIVE_MAGIC, ...[header, ...entries].map((one) => serialize(one)), TERMINATOR]);
}

const headerOf = (db: string, collection: string, crc?: bigint): Uint8Array =>
  serialize({
    db,
    collection,
    EOF: crc !== undefined,
    CRC: Long.fromBigInt(BigInt.asIntN(64, crc ?? 0n)),
  });

/** As mongodump has it, in Extended JSON with every key in its place: the order of an index's keys has meaning. */
function metadataOf({ name, type, described, indexes }: LiveCollection): string {
  const fields = fieldsOf(described);
  const options = fields.find((field) => field.name === 'options');
  const parts = [
    ...(options === undefined ? [] : [`"options":${extendedJson(options, 'canonical')}`]),
    `"indexes":[${indexes.map(documentJson).join(',')}]`,
    `"collectionName":${JSON.stringify(name)}`,
    `"type":${JSON.stringify(type)}`,
  ];
  return `{${parts.join(',')}}`;
}

const documentJson = (bytes: Uint8Array): string =>
  `{${fieldsOf(bytes)
    .map((field) => `${JSON.stringify(field.name)}:${extendedJson(field, 'canonical')}`)
    .join(',')}}`;
