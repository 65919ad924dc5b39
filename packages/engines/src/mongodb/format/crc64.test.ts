import { expect, it } from 'vitest';
import { Crc64 } from './crc64.js';

const crcOf = (...pieces: readonly Buffer[]): bigint => {
  const crc = new Crc64();
  for (const piece of pieces) crc.update(piece);
  return crc.value();
};

it('is the CRC-64 of xz and of Go', () => {
  expect(crcOf()).toBe(0n);
  // The check value of CRC-64/XZ (https://reveng.sourceforge.io/crc-catalogue).
  expect(crcOf(Buffer.from('123456789'))).toBe(0x995dc9bbdf1939fan);
});

it('is the same however the bytes come', () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 31) & 255));
  for (let at = 0; at < 40; at += 1)
    expect(crcOf(bytes.subarray(0, at), bytes.subarray(at))).toBe(crcOf(bytes));
});
