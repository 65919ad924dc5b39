/** ECMA-182, reflected: what Go's `hash/crc64` calls ECMA, and xz CRC-64. In halves, since BigInt is a hundred times slower. */
const POLYNOMIAL_HIGH = 0xc96c5795;
const POLYNOMIAL_LOW = 0xd7870f42;

/** How many bytes one step takes, each with a table of its own ("slicing by 8"). */
const SLICES = 8;

const { high: HIGH, low: LOW } = tables();

function tables(): { readonly high: Int32Array; readonly low: Int32Array } {
  const high = new Int32Array(256 * SLICES);
  const low = new Int32Array(256 * SLICES);
  const at = (table: Int32Array, index: number): number => table[index] ?? 0;
  for (let byte = 0; byte < 256; byte += 1) {
    let h = 0;
    let l = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (odd === 1) {
        h ^= POLYNOMIAL_HIGH;
        l ^= POLYNOMIAL_LOW;
      }
    }
    high[byte] = h;
    low[byte] = l;
  }
  for (let index = 256; index < 256 * SLICES; index += 1) {
    const h = at(high, index - 256);
    const l = at(low, index - 256);
    high[index] = (h >>> 8) ^ at(high, l & 255);
    low[index] = ((l >>> 8) | (h << 24)) ^ at(low, l & 255);
  }
  return { high, low };
}

/** The checksum that mongodump puts at the end of each collection of an archive. */
export class Crc64 {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): void {
    let h = this.#high;
    let l = this.#low;
    // Every index is within the tables and the bytes; `| 0` says so without a cost.
    const at = bytes.length - (bytes.length % SLICES);
    for (let i = 0; i < at; i += SLICES) {
      l ^=
        byteAt(bytes, i) |
        (byteAt(bytes, i + 1) << 8) |
        (byteAt(bytes, i + 2) << 16) |
        (byteAt(bytes, i + 3) << 24);
      h ^=
        byteAt(bytes, i + 4) |
        (byteAt(bytes, i + 5) << 8) |
        (byteAt(bytes, i + 6) << 16) |
        (byteAt(bytes, i + 7) << 24);
      const a = 1792 + (l & 255);
      const b = 1536 + ((l >>> 8) & 255);
      const c = 1280 + ((l >>> 16) & 255);
      const d = 1024 + (l >>> 24);
      const e = 768 + (h & 255);
      const f = 512 + ((h >>> 8) & 255);
      const g = 256 + ((h >>> 16) & 255);
      const j = h >>> 24;
      h =
        wordAt(HIGH, a) ^
        wordAt(HIGH, b) ^
        wordAt(HIGH, c) ^
        wordAt(HIGH, d) ^
        wordAt(HIGH, e) ^
        wordAt(HIGH, f) ^
        wordAt(HIGH, g) ^
        wordAt(HIGH, j);
      l =
        wordAt(LOW, a) ^
        wordAt(LOW, b) ^
        wordAt(LOW, c) ^
        wordAt(LOW, d) ^
        wordAt(LOW, e) ^
        wordAt(LOW, f) ^
        wordAt(LOW, g) ^
        wordAt(LOW, j);
    }
    for (let i = at; i < bytes.length; i += 1) {
      const index = (l ^ byteAt(bytes, i)) & 255;
      l = ((l >>> 8) | (h << 24)) ^ wordAt(LOW, index);
      h = (h >>> 8) ^ wordAt(HIGH, index);
    }
    this.#high = h;
    this.#low = l;
  }

  /** Of everything so far, unsigned. */
  value(): bigint {
    return (BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0);
  }
}

const byteAt = (bytes: Uint8Array, index: number): number => bytes[index] as number;
const wordAt = (table: Int32Array, index: number): number => table[index] as number;
