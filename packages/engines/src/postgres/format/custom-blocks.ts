import { MusterError } from '@muster/core';
import type { Toc } from './toc.js';

const BLK_DATA = 1;
const BLK_BLOBS = 3;

type Expect =
  | { readonly kind: 'skip'; left: number; readonly next: 'type' | 'chunk' }
  | { readonly kind: 'type' }
  | { readonly kind: 'id'; readonly blobs: boolean }
  | { readonly kind: 'oid' }
  | { readonly kind: 'chunk' };

/**
 * Walks the data blocks of a custom archive (pg_backup_custom.c) by their lengths, and holds them against its table of contents: which
 * pg_restore looks at only where it goes.
 */
export class CustomBlocks {
  readonly #toc: Toc;
  readonly #missing: Map<number, number | undefined>;
  #expect: Expect;
  #inBlobs = false;
  #held: Buffer = Buffer.alloc(0);
  #at = 0;
  #blockStart = 0;
  #done = false;

  constructor(toc: Toc) {
    this.#toc = toc;
    const withData = toc.entries.filter(({ hadDumper, data }) => hadDumper && data?.state !== 'none');
    this.#missing = new Map(
      withData.map(({ dumpId, data }) => [dumpId, data?.state === 'set' ? data.offset : undefined]),
    );
    this.#expect = { kind: 'skip', left: toc.sizeBytes, next: 'type' };
  }

  /** @throws `corrupt`. */
  write(chunk: Buffer): void {
    const bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    let at = 0;
    while (at < bytes.length && !this.#done) {
      const used = this.#step(bytes, at);
      if (used === 0) break;
      at += used;
      this.#at += used;
    }
    const rest = bytes.subarray(at);
    if (this.#done && rest.some((byte) => byte !== 0))
      throw damaged('more follows than its table of contents names');
    this.#held = this.#done ? Buffer.alloc(0) : Buffer.from(rest);
  }

  /** @throws `truncated`. */
  end(): void {
    if (!this.#done && this.#expect.kind === 'type' && this.#held.length === 0 && this.#missing.size === 0)
      return;
    if (!this.#done)
      throw new MusterError('truncated', 'The dump ends before the end of its data. Take another backup.');
  }

  /** How many of the bytes from `at` were used; 0 asks for more. */
  #step(bytes: Buffer, at: number): number {
    const expect = this.#expect;
    switch (expect.kind) {
      case 'skip': {
        const skipped = Math.min(expect.left, bytes.length - at);
        expect.left -= skipped;
        if (expect.left === 0) this.#expect = { kind: expect.next };
        return skipped;
      }
      case 'type': {
        // Nothing that pg_restore would look for can follow, so all but padding is what the table of contents lost.
        if (this.#missing.size === 0) {
          this.#done = true;
          return 0;
        }
        const type = bytes[at];
        if (type !== BLK_DATA && type !== BLK_BLOBS) throw damaged('a block is of no known kind');
        this.#blockStart = this.#at;
        this.#expect = { kind: 'id', blobs: type === BLK_BLOBS };
        return 1;
      }
      case 'id':
        return this.#int(bytes, at, (id) => {
          this.#begin(id);
          this.#inBlobs = expect.blobs;
          this.#expect = expect.blobs ? { kind: 'oid' } : { kind: 'chunk' };
        });
      case 'oid':
        return this.#int(bytes, at, (oid) => {
          this.#expect = oid === 0 ? { kind: 'type' } : { kind: 'chunk' };
        });
      case 'chunk':
        return this.#int(bytes, at, (length) => {
          if (length < 0) throw damaged('a length is negative');
          if (length > 0) this.#expect = { kind: 'skip', left: length, next: 'chunk' };
          else this.#expect = this.#inBlobs ? { kind: 'oid' } : { kind: 'type' };
        });
    }
  }

  #begin(dumpId: number): void {
    if (!this.#missing.has(dumpId)) throw damaged('it holds data that its table of contents does not name');
    const offset = this.#missing.get(dumpId);
    if (offset !== undefined && offset !== this.#blockStart)
      throw damaged('data are not where it says they are');
    this.#missing.delete(dumpId);
  }

  #int(bytes: Buffer, at: number, use: (value: number) => void): number {
    const { intSize } = this.#toc;
    if (bytes.length - at < 1 + intSize) return 0;
    let value = 0;
    for (let i = intSize; i >= 1; i -= 1) value = value * 256 + (bytes[at + i] ?? 0);
    const sign = bytes[at];
    if ((sign !== 0 && sign !== 1) || !Number.isSafeInteger(value)) throw damaged('a length is no number');
    use(sign === 1 ? -value : value);
    return 1 + intSize;
  }
}

const damaged = (how: string): MusterError =>
  new MusterError('corrupt', `The dump is damaged: ${how}. Take another backup.`);
