import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isMusterError } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { unwrap, unwrapping } from './decompress.js';

const data = randomBytes(300_000);
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
const compress = { gzip: gzipSync, zstd: zstdCompressSync } as const;

const source = (bytes: Buffer, size: number): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })(),
    { objectMode: false },
  );

const outcome = async (bytes: Buffer, wrapper: 'gzip' | 'zstd', size: number): Promise<string> => {
  let length = 0;
  try {
    for await (const piece of unwrap(source(bytes, size), wrapper)) length += piece.length;
    return `${length} bytes`;
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

describe.each(['gzip', 'zstd'] as const)('%s', (wrapper) => {
  const whole = compress[wrapper](data);
  const empty = compress[wrapper](Buffer.alloc(0));

  it.each([
    ['whole', whole, '300000 bytes'],
    ['nothing', empty, '0 bytes'],
    ['two, one after the other', Buffer.concat([whole, whole]), '600000 bytes'],
    ['an empty one first', Buffer.concat([empty, whole]), '300000 bytes'],
    ['without its last byte', whole.subarray(0, -1), 'truncated'],
    ['half of it', whole.subarray(0, 150_000), 'truncated'],
    ['its first bytes', whole.subarray(0, 3), 'truncated'],
    ['a second one that was cut', Buffer.concat([whole, whole.subarray(0, 1000)]), 'truncated'],
    ['a second one of three bytes', Buffer.concat([whole, whole.subarray(0, 3)]), 'truncated'],
    ['with something behind', Buffer.concat([whole, Buffer.from('something')]), 'corrupt'],
    ['with something behind zeros', Buffer.concat([whole, Buffer.alloc(600), whole]), 'corrupt'],
  ])('%s', async (_, bytes, expected) => {
    for (const size of [777, 65_536, bytes.length])
      expect(await outcome(bytes, wrapper, size)).toBe(expected);
  });

  it('gives what came before the cut', async () => {
    const pieces: Buffer[] = [];
    const reading = (async () => {
      for await (const piece of unwrapping(source(whole.subarray(0, 200_000), 200_000), wrapper))
        pieces.push(piece);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'truncated' });
    const before = Buffer.concat(pieces);
    expect(before.length).toBeGreaterThan(100_000);
    expect(before.equals(data.subarray(0, before.length))).toBe(true);
  });

  it('lets go of its source when it is let go', async () => {
    const bytes = source(Buffer.concat([whole, whole]), 1000);
    const closed = new Promise((resolve) => bytes.once('close', resolve));
    const stream = unwrap(bytes, wrapper);
    stream.once('data', () => stream.destroy());
    await closed;
  });

  it('passes on the fault of its source', async () => {
    const broken = Readable.from(
      (async function* () {
        yield whole.subarray(0, 1000);
        throw new Error('the disk');
      })(),
    );
    await expect(unwrap(broken, wrapper).toArray()).rejects.toThrow('the disk');
  });
});

it('padding of zeros may follow gzip', async () => {
  expect(await outcome(Buffer.concat([gzipSync(data), Buffer.alloc(5000)]), 'gzip', 1000)).toBe(
    '300000 bytes',
  );
});

it('skippable frames of zstd are left out', async () => {
  const whole = zstdCompressSync(data);
  const bytes = Buffer.concat([skippable, whole, skippable, whole, skippable]);
  for (const size of [100, 1000, bytes.length])
    expect(await outcome(bytes, 'zstd', size)).toBe('600000 bytes');
});

it('a flipped bit in gzip is found', async () => {
  const bytes = gzipSync(data);
  bytes.writeUInt8(bytes.readUInt8(100_000) ^ 1, 100_000);
  expect(await outcome(bytes, 'gzip', 65_536)).toBe('corrupt');
});
