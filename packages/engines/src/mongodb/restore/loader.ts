import type { DumpedCollection } from '../format/collection.js';

/** A batch is sent when it has so many bytes or documents; a server takes 48 MB and 100,000. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_DOCUMENTS = 10_000;
/** Bytes on the way to the server; a reader that is further ahead waits. */
const AHEAD_BYTES = 4 * 1024 * 1024;
/** What a batch and each of its documents take beside their bytes. */
const OF_BATCH_BYTES = 1024;
const OF_DOCUMENT_BYTES = 64;

export type Insert = (collection: DumpedCollection, documents: readonly Buffer[]) => Promise<void>;

interface Batch {
  documents: Buffer[];
  bytes: number;
}

/**
 * Sends documents in batches: those of one collection in their order, those of several at the same time. Its memory does
 * not grow with the dump, as long as who adds asks for {@link room} after each chunk.
 */
export class Loader {
  readonly #insert: Insert;
  readonly #begun = Promise.withResolvers<void>();
  readonly #open = new Map<DumpedCollection, Batch>();
  readonly #underWay = new Map<DumpedCollection, Promise<void>>();
  #bytesUnderWay = 0;
  /** Of the next batch. */
  #arrived = Promise.withResolvers<void>();
  #fault: { readonly error: unknown } | undefined;

  constructor(insert: Insert) {
    this.#insert = insert;
  }

  /** The collections are there: what was added, and will be, may go. */
  begin(): void {
    this.#begun.resolve();
  }

  add(collection: DumpedCollection, document: Buffer): void {
    const batch = this.#open.get(collection) ?? { documents: [], bytes: 0 };
    batch.documents.push(document);
    batch.bytes += document.length;
    if (batch.bytes >= BATCH_BYTES || batch.documents.length >= BATCH_DOCUMENTS)
      this.#send(collection, batch);
    else this.#open.set(collection, batch);
  }

  /** No more documents of it come soon: what there is may go. */
  flush(collection: DumpedCollection): void {
    const batch = this.#open.get(collection);
    if (batch !== undefined) this.#send(collection, batch);
  }

  /** Waits until more may be added. @throws what an insert threw. */
  async room(): Promise<void> {
    while (this.#fault === undefined && this.#bytesUnderWay >= AHEAD_BYTES) await this.#arrived.promise;
    this.#rethrow();
  }

  /** Everything that was added has been inserted. @throws what an insert threw. */
  async drain(): Promise<void> {
    for (const collection of this.#open.keys()) this.flush(collection);
    await Promise.all(this.#underWay.values());
    this.#rethrow();
  }

  #send(collection: DumpedCollection, { documents, bytes }: Batch): void {
    this.#open.delete(collection);
    const held = bytes + OF_BATCH_BYTES + documents.length * OF_DOCUMENT_BYTES;
    this.#bytesUnderWay += held;
    const own = bytes < BATCH_BYTES ? copied(documents) : documents;
    const sent = (this.#underWay.get(collection) ?? this.#begun.promise)
      .then(() => (this.#fault === undefined ? this.#insert(collection, own) : undefined))
      .catch((error: unknown) => {
        this.#fault ??= { error };
      })
      .then(() => {
        this.#bytesUnderWay -= held;
        if (this.#underWay.get(collection) === sent) this.#underWay.delete(collection);
        this.#arrived.resolve();
        this.#arrived = Promise.withResolvers<void>();
      });
    this.#underWay.set(collection, sent);
  }

  #rethrow(): void {
    if (this.#fault !== undefined) throw this.#fault.error;
  }
}

/** Documents lie in the chunks that they came in, and would keep the whole of these in memory: here they lie alone. */
function copied(documents: readonly Buffer[]): readonly Buffer[] {
  const whole = Buffer.concat(documents);
  let end = 0;
  return documents.map(({ length }) => {
    end += length;
    return whole.subarray(end - length, end);
  });
}
