import { MusterError } from '@muster/core';

export const TAR_BLOCK = 512;

/** Header of one member of a tar archive (POSIX ustar, and GNU's way to write large sizes). */
export interface TarHeader {
  readonly name: string;
  readonly sizeBytes: number;
}

/** `undefined` if the block is no header of a tar member. */
export function readTarHeader(block: Buffer): TarHeader | undefined {
  if (block.length < TAR_BLOCK) return undefined;
  // `ustar` NUL or `ustar` blank, where pg_dump writes `ustar00` without the NUL between.
  if (block.toString('latin1', 257, 262) !== 'ustar') return undefined;
  let sum = 8 * 0x20;
  for (let i = 0; i < TAR_BLOCK; i += 1) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  if (sum !== readOctal(block, 148, 8)) return undefined;
  const name = block.toString('utf8', 0, 100).replace(/\0.*$/s, '');
  const sizeBytes =
    ((block[124] ?? 0) & 0x80) !== 0 ? readBase256(block, 124, 12) : readOctal(block, 124, 12);
  if (sizeBytes === undefined || !Number.isSafeInteger(sizeBytes)) return undefined;
  return { name, sizeBytes };
}

function readOctal(block: Buffer, at: number, length: number): number | undefined {
  const digits = /^ *([0-7]+)[ \0]*$/.exec(block.toString('latin1', at, at + length))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

function readBase256(block: Buffer, at: number, length: number): number {
  let value = (block[at] ?? 0) & 0x7f;
  for (let i = 1; i < length; i += 1) value = value * 256 + (block[at + i] ?? 0);
  return value;
}

const EMPTY_BLOCK = Buffer.alloc(TAR_BLOCK);

/** What is told of the members of a tar archive as its bytes come by. */
export interface TarVisitor {
  begin(header: TarHeader): void;
  data(bytes: Buffer): void;
  end(): void;
}

/** Reads a tar archive from front to back, in pieces of any size. */
export class TarReader {
  readonly #visitor: TarVisitor;
  #header: Buffer = Buffer.alloc(0);
  #left = 0;
  #padding = 0;
  #ended = false;

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  /** @throws `corrupt` where a header should be and is not. */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#ended; ) {
      if (this.#left > 0) {
        const piece = bytes.subarray(at, at + this.#left);
        this.#left -= piece.length;
        at += piece.length;
        this.#visitor.data(piece);
        if (this.#left === 0) this.#visitor.end();
      } else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, bytes.length - at);
        this.#padding -= skipped;
        at += skipped;
      } else {
        const piece = bytes.subarray(at, at + TAR_BLOCK - this.#header.length);
        at += piece.length;
        this.#header = this.#header.length === 0 ? piece : Buffer.concat([this.#header, piece]);
        if (this.#header.length === TAR_BLOCK) this.#begin();
      }
    }
  }

  #begin(): void {
    const block = this.#header;
    this.#header = Buffer.alloc(0);
    if (block.equals(EMPTY_BLOCK)) {
      this.#ended = true;
      return;
    }
    const header = readTarHeader(block);
    if (header === undefined) {
      throw new MusterError(
        'corrupt',
        'A header inside the tar archive of the dump is damaged. Take another backup.',
      );
    }
    this.#left = header.sizeBytes;
    this.#padding = (TAR_BLOCK - (header.sizeBytes % TAR_BLOCK)) % TAR_BLOCK;
    this.#visitor.begin(header);
    if (this.#left === 0) this.#visitor.end();
  }

  /** @throws `truncated` if the block of zeros that ends an archive did not come. */
  end(): void {
    if (this.#ended) return;
    throw new MusterError(
      'truncated',
      'The dump ends before the end of its tar archive. Take another backup.',
    );
  }
}
