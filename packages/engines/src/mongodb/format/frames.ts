import { MusterError } from '@muster/core';

/** An empty document: its length and its end. */
const MIN_BYTES = 5;
/** What a server takes for itself, over the 16 MiB of a user's document (mongo-tools, MaxBSONSize). */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024 + 16 * 1024;
/** Instead of a length: the end of a block of an archive. */
const TERMINATOR = 0xffffffff;

/** What comes by in a stream of BSON documents. */
export interface FrameSink {
  /** One whole document. Its bytes are good only until the chunk they came in is let go of. */
  document(bytes: Buffer): void;
  /** The mark between blocks; absent where there must be none. */
  terminator?(): void;
}

/** Cuts a byte stream into BSON documents. Never holds more than one of them. */
export class Frames {
  readonly #sink: FrameSink;
  readonly #what: string;
  /** The pieces of a document that has begun, `#bytes` long, of `#length` (0: not known yet). */
  #pieces: Buffer[] = [];
  #bytes = 0;
  #length = 0;

  /** `what`: names the data in messages. */
  constructor(sink: FrameSink, what: string) {
    this.#sink = sink;
    this.#what = what;
  }

  /** @throws `corrupt`, and whatever the sink throws. */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bytes > 0) {
        at += this.#continue(chunk.subarray(at));
        continue;
      }
      if (chunk.length - at < 4) {
        this.#keep(chunk.subarray(at));
        return;
      }
      const length = chunk.readUInt32LE(at);
      if (length === TERMINATOR && this.#sink.terminator !== undefined) {
        this.#sink.terminator();
        at += 4;
        continue;
      }
      this.#requireLength(length);
      if (chunk.length - at < length) {
        this.#length = length;
        this.#keep(chunk.subarray(at));
        return;
      }
      this.#give(chunk.subarray(at, at + length));
      at += length;
    }
  }

  /** True where no document has begun that did not end. */
  get whole(): boolean {
    return this.#bytes === 0;
  }

  /** Completes what began in an earlier chunk. @returns how many bytes it took. */
  #continue(rest: Buffer): number {
    const want = (this.#length === 0 ? 4 : this.#length) - this.#bytes;
    const piece = rest.subarray(0, want);
    this.#keep(piece);
    if (piece.length < want) return piece.length;
    const bytes = Buffer.concat(this.#pieces, this.#bytes);
    if (this.#length === 0) {
      const length = bytes.readUInt32LE(0);
      if (length === TERMINATOR && this.#sink.terminator !== undefined) {
        this.#reset();
        this.#sink.terminator();
        return piece.length;
      }
      this.#requireLength(length);
      this.#length = length;
      this.#pieces = [bytes];
      return piece.length;
    }
    this.#reset();
    this.#give(bytes);
    return piece.length;
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  #reset(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#length = 0;
  }

  #requireLength(length: number): void {
    if (length < MIN_BYTES || length > MAX_DOCUMENT_BYTES) throw this.#damaged();
  }

  #give(bytes: Buffer): void {
    if (bytes[bytes.length - 1] !== 0) throw this.#damaged();
    this.#sink.document(bytes);
  }

  #damaged(): MusterError {
    return new MusterError(
      'corrupt',
      `${this.#what} is damaged: there is no document where one begins. Take another backup.`,
    );
  }
}
