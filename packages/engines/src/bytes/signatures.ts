import type { Wrapper } from './wrapper.js';

const starts = (head: Buffer, ...bytes: readonly number[]): boolean =>
  bytes.every((byte, i) => head[i] === byte);

/** By magic number: gzip (RFC 1952), zstd (RFC 8878, a skippable frame may come first). */
export function wrapperOf(head: Buffer): Wrapper {
  if (starts(head, 0x1f, 0x8b)) return 'gzip';
  if (starts(head, 0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  return head.length >= 4 && (head.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50 ? 'zstd' : 'none';
}

/** Names what is healthy and not read: other compressions, and encryption. */
export function foreignFormat(head: Buffer): string | undefined {
  if (wrapperOf(head) !== 'none') return `${wrapperOf(head)} data`;
  if (starts(head, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz data';
  if (starts(head, 0x42, 0x5a, 0x68) && (head[3] ?? 0) >= 0x31 && (head[3] ?? 0) <= 0x39) return 'bzip2 data';
  if (starts(head, 0x04, 0x22, 0x4d, 0x18)) return 'lz4 data';
  if (starts(head, 0x50, 0x4b, 0x03, 0x04)) return 'a zip archive';
  if (starts(head, 0x37, 0x7a, 0xbc, 0xaf)) return 'a 7z archive';
  const text = head.toString('latin1', 0, 40);
  return text.startsWith('-----BEGIN PGP MESSAGE') ? 'encrypted with PGP' : undefined;
}
