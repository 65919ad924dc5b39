import { createReadStream } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';

const BLOCK = 512;

/**
 * The files of a directory (not what is below it) as a POSIX ustar archive; sizes from 8 GiB on in the base-256 form
 * that GNU tar, bsdtar and busybox read.
 */
export function packDirectory(directory: string, signal: AbortSignal): Readable {
  return Readable.from(pack(directory, signal), { objectMode: false, highWaterMark: 1024 * 1024 });
}

async function* pack(directory: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const { name } of await opendir(directory)) {
    const path = join(directory, name);
    const facts = await stat(path);
    if (!facts.isFile()) continue;
    yield header(name, facts.size);
    let left = facts.size;
    // A file that grows or shrinks meanwhile must not shift what follows it; the examination finds it changed.
    if (left > 0) {
      for await (const chunk of createReadStream(path, {
        signal,
        end: left - 1,
        highWaterMark: 1024 * 1024,
      })) {
        left -= chunk.length;
        yield chunk;
      }
    }
    if (left > 0) throw new Error(`${name} became shorter while it was read`);
    yield Buffer.alloc((BLOCK - (facts.size % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "ustar Interchange Format". */
function header(name: string, size: number): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100)
    throw new Error('a name in the backup is longer than pg_dump makes them');
  block.write(name, 0);
  block.write('0000600\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  if (size < 8 ** 11) block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else {
    block.writeUInt8(0x80, 124);
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
