import { MusterError } from '@muster/core';

/**
 * Splits zstd data into its frames (RFC 8878) by their headers alone, skippable frames left out. Each frame must be read to its end before
 * the next one is asked for. @throws `truncated` where the last one does not end, `corrupt` for what is no frame.
 */
export async function* zstdFrames(source: AsyncIterable<Buffer>): AsyncGenerator<AsyncGenerator<Buffer>> {
  const bytes = new Pieces(source[Symbol.asyncIterator]());
  for (;;) {
    const magic = await bytes.upTo(4);
    if (magic.length === 0) return;
    if (magic.length < 4) throw cut();
    const number = magic.readUInt32LE(0);
    if (number === 0xfd2fb528) {
      yield frame(magic, bytes);
    } else if ((number & 0xfffffff0) >>> 0 === 0x184d2a50) {
      for await (const _ of bytes.exactly((await bytes.header(4)).readUInt32LE(0)));
    } else {
      throw new MusterError(
        'corrupt',
        'Something that is not zstd follows the zstd data of the dump. Take another backup.',
      );
    }
  }
}

async function* frame(magic: Buffer, bytes: Pieces): AsyncGenerator<Buffer> {
  const descriptor = await bytes.header(1);
  const flags = descriptor.readUInt8(0);
  const singleSegment = (flags & 0x20) !== 0;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  yield Buffer.concat([
    magic,
    descriptor,
    await bytes.header((singleSegment ? 0 : 1) + dictionary + contentSize),
  ]);
  for (let last = false; !last; ) {
    const block = await bytes.header(3);
    const word = block.readUIntLE(0, 3);
    last = (word & 1) === 1;
    yield block;
    // An RLE block is one byte, however much it stands for.
    yield* bytes.exactly(((word >> 1) & 3) === 1 ? 1 : word >> 3);
  }
  if ((flags & 4) !== 0) yield await bytes.header(4);
}

const cut = (): MusterError =>
  new MusterError('truncated', 'The zstd data of the dump end before their end. Take another backup.');

class Pieces {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterator<Buffer>) {
    this.#source = source;
  }

  async #next(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done !== true) this.#rest = next.value;
    return next.done !== true;
  }

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

  async header(length: number): Promise<Buffer> {
    const found = await this.upTo(length);
    if (found.length < length) throw cut();
    return found;
  }

  /** Exactly so many bytes, in pieces as they come. */
  async *exactly(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#next())) throw cut();
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
