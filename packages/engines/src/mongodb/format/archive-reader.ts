import { MusterError } from '@muster/core';
import type { ContentCheck } from '../../examine/content-check.js';
import {
  ARCHIVE_MAGIC,
  type ArchivePrelude,
  damagedArchive,
  type KeptMetadata,
  PreludeReader,
  readBlockHeader,
} from './archive-prelude.js';
import { type DumpedCollection, dataNames, namespaceOf } from './collection.js';
import { Crc64 } from './crc64.js';
import { Frames } from './frames.js';

/** What an archive says, as its bytes come by. */
export interface ArchiveSink {
  prelude(prelude: ArchivePrelude): void;
  /** One document, of this collection. Its bytes are good until the sink lets go of the chunk they came in. */
  document(collection: DumpedCollection, bytes: Buffer): void;
  /** Documents of another collection follow, or the archive ends. */
  blockEnd(collection: DumpedCollection): void;
}

interface Entry {
  readonly collection: DumpedCollection;
  readonly crc: Crc64 | undefined;
  ended: boolean;
}

type State = 'magic' | 'prelude' | 'header' | 'body';

/**
 * Reads an archive of mongodump (mongo-tools, package archive): the prelude, then blocks, each with a header, documents
 * and a terminator, those of several collections in turn; each collection ends with a block that holds its CRC-64.
 * Throws `truncated` or `corrupt`. Holds no more than one document.
 */
export class ArchiveReader implements ContentCheck {
  readonly #sink: ArchiveSink;
  readonly #checksums: boolean;
  readonly #frames: Frames;
  readonly #prelude: PreludeReader;
  /** By the namespace of their documents. */
  readonly #entries = new Map<string, Entry>();
  #state: State = 'magic';
  #magic = Buffer.alloc(0);
  #current: Entry | undefined;

  /** `checksums`: whether they are compared, which takes as long as all the rest. */
  constructor(sink: ArchiveSink, options: { readonly checksums: boolean; readonly metadata: KeptMetadata }) {
    this.#sink = sink;
    this.#prelude = new PreludeReader(options.metadata);
    this.#checksums = options.checksums;
    this.#frames = new Frames(
      { document: (bytes) => this.#document(bytes), terminator: () => this.#terminator() },
      'The archive',
    );
  }

  write(chunk: Buffer): void {
    if (this.#state !== 'magic') {
      this.#frames.write(chunk);
      return;
    }
    this.#magic = Buffer.concat([this.#magic, chunk]);
    if (this.#magic.length < ARCHIVE_MAGIC.length) return;
    if (!this.#magic.subarray(0, ARCHIVE_MAGIC.length).equals(ARCHIVE_MAGIC)) {
      throw new MusterError('not_a_dump', 'The file is no archive that mongodump wrote.');
    }
    this.#state = 'prelude';
    const rest = this.#magic.subarray(ARCHIVE_MAGIC.length);
    this.#magic = Buffer.alloc(0);
    this.#frames.write(rest);
  }

  end(): void {
    if (this.#state !== 'header' || !this.#frames.whole) throw cut('it ends inside of its data');
    for (const { collection } of this.#entries.values()) {
      // Of a time series either of two names has come.
      const come = dataNames(collection).some(
        (name) => this.#entries.get(namespaceOf({ ...collection, name }))?.ended,
      );
      if (!come)
        throw cut(`the documents of the collection ${namespaceOf(collection)} are not there, or not all`);
    }
  }

  #document(bytes: Buffer): void {
    switch (this.#state) {
      case 'prelude':
        this.#prelude.document(bytes);
        return;
      case 'header':
        this.#begin(bytes);
        return;
      default:
        this.#body(bytes);
    }
  }

  #body(bytes: Buffer): void {
    const entry = this.#current;
    if (entry === undefined || entry.ended)
      throw damagedArchive('documents follow the end of their collection');
    if (entry.collection.kind === 'view') throw damagedArchive('there are documents of a view');
    entry.crc?.update(bytes);
    this.#sink.document(entry.collection, bytes);
  }

  #begin(bytes: Buffer): void {
    const { db, collection, EOF, CRC } = readBlockHeader(bytes);
    const entry = this.#entries.get(`${db}.${collection}`);
    if (entry === undefined)
      throw damagedArchive('there are documents of a collection that it does not name before');
    if (entry.ended) throw damagedArchive('a collection goes on after its end');
    if (EOF) {
      entry.ended = true;
      if (entry.crc !== undefined && entry.crc.value() !== BigInt.asUintN(64, CRC)) {
        throw damagedArchive(
          `the documents of the collection ${db}.${collection} do not match their checksum`,
        );
      }
    } else if (CRC !== 0n) {
      throw damagedArchive('the header of a block makes no sense');
    }
    this.#current = entry;
    this.#state = 'body';
  }

  #terminator(): void {
    switch (this.#state) {
      case 'prelude':
        this.#name(this.#prelude.end());
        break;
      case 'header':
        throw damagedArchive('a block has no header');
      default:
        if (this.#current !== undefined) this.#sink.blockEnd(this.#current.collection);
        this.#current = undefined;
    }
    this.#state = 'header';
  }

  #name(prelude: ArchivePrelude): void {
    for (const collection of prelude.collections) {
      for (const name of dataNames(collection)) {
        const namespace = namespaceOf({ ...collection, name });
        if (this.#entries.has(namespace)) throw damagedArchive(`it names the collection ${namespace} twice`);
        this.#entries.set(namespace, {
          collection,
          crc: this.#checksums ? new Crc64() : undefined,
          ended: false,
        });
      }
    }
    this.#sink.prelude(prelude);
  }
}

const cut = (how: string): MusterError =>
  new MusterError(
    'truncated',
    `The archive is not whole: ${how}. Look at how it was copied, or take another.`,
  );
