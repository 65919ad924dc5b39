import { MusterError } from '@muster/core';

export const cutShort = (what: string): MusterError =>
  new MusterError('truncated', `The ${what} data of the dump end before their end. Take another backup.`);

/** A byte stream read in pieces of known length. */
export class Pieces {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  readonly #what: string;

  /** `what`: names the data in messages. */
  constructor(source: AsyncIterable<Buffer>, what: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#what = what;
  }

  async #next(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done !== true) this.#rest = next.value;
    return next.done !== true;
  }

  /** So many bytes, or fewer where the stream ends. */
  async upTo(length: number): Promise<Buffer> {
    while (this.#rest.length < length) {
      const before = this.#rest;
      if (!(await this.#next())) break;
      if (before.length > 0) this.#rest = Buffer.concat([before, this.#rest]);
    }
    const found = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(found.length);
    return found;
  }

  /** So many bytes in one piece; only for few. */
  async header(length: number): Promise<Buffer> {
    const found = await this.upTo(length);
    if (found.length < length) throw cutShort(this.#what);
    return found;
  }

  /** Exactly so many bytes, in pieces as they come. */
  async *exactly(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#next())) throw cutShort(this.#what);
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
