import { Readable } from 'node:stream';

/** The beginning of a byte stream, as much of it as was asked for, and then the whole of it again. */
export class HeadReader<Chunk extends Uint8Array = Uint8Array> {
  readonly #source: AsyncIterator<Chunk>;
  #head: Buffer = Buffer.alloc(0);
  #ended = false;
  #fault: unknown;

  constructor(source: AsyncIterable<Chunk>) {
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

  /**
   * Throws what ended the source, for those who need more than it had: its own fault, or else `otherwise`. A head that is
   * whole is good, whatever comes after it.
   */
  short(otherwise: Error): never {
    throw this.#fault ?? otherwise;
  }

  /**
   * Reads until `head` has at least `length` bytes or the source ended, by a fault too. Memory grows only by what really
   * came.
   */
  async atLeast(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [this.#head];
    let size = this.#head.length;
    while (size < length && !this.#ended) {
      const next = await this.#source.next().catch((error: unknown) => {
        this.#fault = error;
        return { done: true } as const;
      });
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

  /** All bytes, the head included, as {@link whole} tells them. Destroying it closes the source. */
  replay(): Readable {
    return Readable.from(this.whole(), { objectMode: false });
  }

  /** All bytes, the head included; then what ended the source, if that was a fault. Leaving it closes the source. */
  whole(): AsyncGenerator<Chunk | Buffer, void, undefined> {
    const { head } = this;
    const rest = { [Symbol.asyncIterator]: () => this.#source };
    const fault = this.#fault;
    return (async function* () {
      if (head.length > 0) yield head;
      if (fault !== undefined) throw fault;
      yield* rest;
    })();
  }

  /** Closes the source. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
