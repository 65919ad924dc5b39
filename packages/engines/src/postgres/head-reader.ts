import { Readable } from 'node:stream';

/** The beginning of a byte stream, as much of it as was asked for, and then the whole of it again. */
export class HeadReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #head: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** What was read so far. */
  get head(): Buffer {
    return this.#head;
  }

  /** True once the source has no more bytes than {@link head}. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Reads until `head` has at least `length` bytes or the source ended. Memory grows only by what really came. */
  async atLeast(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [this.#head];
    let size = this.#head.length;
    while (size < length && !this.#ended) {
      const next = await this.#source.next();
      if (next.done) {
        this.#ended = true;
      } else {
        pieces.push(next.value);
        size += next.value.length;
      }
    }
    if (pieces.length > 1) this.#head = Buffer.concat(pieces, size);
    return this.#head;
  }

  /** All bytes, the head included. Destroying it closes the source. */
  replay(): Readable {
    const { head } = this;
    const rest = { [Symbol.asyncIterator]: () => this.#source };
    return Readable.from(
      (async function* () {
        if (head.length > 0) yield head;
        yield* rest;
      })(),
      { objectMode: false },
    );
  }

  /** Closes the source. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
