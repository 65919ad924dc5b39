import { createHash } from 'node:crypto';
import type { Sha256 } from '@muster/core';

const MODULUS = 1n << 256n;

/** Counts and digests what is added to it, whatever the order: a document twice is another content than once. */
export class DigestSum {
  #count = 0n;
  #sum = 0n;

  add(document: Uint8Array): void {
    this.#count += 1n;
    this.#sum = (this.#sum + BigInt(`0x${hashOf(document)}`)) % MODULUS;
  }

  get count(): bigint {
    return this.#count;
  }

  value(): Sha256 {
    return `sha256:${hashOf(`${this.#count} ${this.#sum.toString(16)}`)}`;
  }
}

const hashOf = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');
