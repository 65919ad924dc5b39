import { MusterError } from '@muster/core';
import { deserialize } from 'bson';
import { z } from 'zod';
import {
  type DumpedCollection,
  hasNoMetadata,
  isNamespace,
  MetadataBudget,
  readMetadata,
  withoutMetadata,
} from './collection.js';

/** The four bytes that an archive of mongodump begins with: 0x8199e26d, little-endian. */
export const ARCHIVE_MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);

/** What stands before the data of an archive. */
export interface ArchivePrelude {
  readonly serverVersion: string;
  readonly toolVersion: string;
  /** In the order of the archive, those that are not restored too. */
  readonly collections: readonly DumpedCollection[];
}

/** Metadata of a hundred thousand collections with four indexes each are half of it. */
const MAX_PRELUDE_BYTES = 128 * 1024 * 1024;

const headerSchema = z.object({
  version: z.string(),
  server_version: z.string().default(''),
  tool_version: z.string().default(''),
});

const entrySchema = z.object({
  db: z.string(),
  collection: z.string().min(1),
  metadata: z.string().default(''),
  type: z.string().default(''),
});

/** Of a block. mongorestore too knows no other keys. */
const blockSchema = z.strictObject({
  db: z.string(),
  collection: z.string().min(1),
  EOF: z.boolean(),
  CRC: z.bigint(),
});

export type BlockHeader = z.infer<typeof blockSchema>;

/** What of the metadata is kept once they are read: who only looks needs no more than the kind of a collection. */
export type KeptMetadata = 'all' | 'kinds';

/** Collects the documents of the prelude, as they come by. */
export class PreludeReader {
  readonly #kept: KeptMetadata;
  readonly #budget = new MetadataBudget();
  #header: z.infer<typeof headerSchema> | undefined;
  readonly #collections: DumpedCollection[] = [];
  #bytes = 0;

  constructor(kept: KeptMetadata) {
    this.#kept = kept;
  }

  /** @throws `corrupt`, `version_unavailable`, `backup_unreadable`. */
  document(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_PRELUDE_BYTES) {
      throw new MusterError(
        'backup_unreadable',
        'The archive names more collections than Muster can hold in memory.',
      );
    }
    if (this.#header !== undefined) {
      this.#collections.push(this.#collectionOf(bytes));
      return;
    }
    this.#header = headerSchema.safeParse(decode(bytes)).data;
    if (this.#header === undefined) throw damagedArchive('its header makes no sense');
    if (this.#header.version.startsWith('0.')) return;
    throw new MusterError(
      // As a dump that is not supported it would be passed over for an older one.
      'version_unavailable',
      `The archive is of the format ${this.#header.version.slice(0, 16)}; only 0.1 is known.`,
    );
  }

  /** @throws `corrupt`. */
  end(): ArchivePrelude {
    if (this.#header === undefined) throw damagedArchive('its header is not there');
    const { server_version: serverVersion, tool_version: toolVersion } = this.#header;
    return { serverVersion, toolVersion, collections: this.#collections };
  }

  #collectionOf(bytes: Buffer): DumpedCollection {
    const entry = entrySchema.safeParse(decode(bytes)).data;
    if (entry === undefined || !isNamespace(entry.db, entry.collection))
      throw damagedArchive('its list of collections makes no sense');
    const { db: database, collection: name, metadata, type } = entry;
    if (metadata === '') {
      if (hasNoMetadata(database, name)) return withoutMetadata(database, name);
      throw damagedArchive(`the metadata of the collection ${database}.${name} are not there`);
    }
    this.#budget.take(metadata);
    const collection = readMetadata({ database, name }, metadata, type);
    return this.#kept === 'all' ? collection : { ...withoutMetadata(database, name), kind: collection.kind };
  }
}

/** @throws `corrupt`. */
export function readBlockHeader(bytes: Buffer): BlockHeader {
  const header = blockSchema.safeParse(decode(bytes)).data;
  if (header === undefined) throw damagedArchive('the header of a block makes no sense');
  return header;
}

function decode(bytes: Buffer): unknown {
  try {
    return deserialize(bytes, { useBigInt64: true });
  } catch (cause) {
    throw damagedArchive('there is no document where one begins', cause);
  }
}

export const damagedArchive = (how: string, cause?: unknown): MusterError =>
  new MusterError('corrupt', `The archive is damaged: ${how}. Take another backup.`, { cause });
