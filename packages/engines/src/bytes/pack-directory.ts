import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';

const BLOCK = 512;
/** Longer names stand in a record of their own before the file. */
const NAME_BYTES = 100;

/** Type flags. */
const FILE = '0';
const DIRECTORY = '5';
const RECORDS = 'x';

/**
 * The files in and below a directory as a POSIX pax archive; sizes from 8 GiB on in the base-256 form that GNU tar,
 * bsdtar and busybox read.
 */
export function packDirectory(directory: string, signal: AbortSignal): Readable {
  return Readable.from(pack(directory, signal), { objectMode: false, highWaterMark: 1024 * 1024 });
}

async function* pack(directory: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(directory, path);
    const facts = await stat(path);
    if (facts.isDirectory()) yield* header(name, 0, DIRECTORY);
    if (!facts.isFile()) continue;
    yield* header(name, facts.size, FILE);
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
    yield padding(facts.size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

const padding = (size: number): Uint8Array => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/** https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "pax Interchange Format". */
function* header(name: string, size: number, type: string): Generator<Uint8Array> {
  if (Buffer.byteLength(name) <= NAME_BYTES) {
    yield block(name, size, type);
    return;
  }
  const record = Buffer.from(recordOf('path', name));
  yield block('././@PaxHeader', record.length, RECORDS);
  yield record;
  yield padding(record.length);
  yield block(Buffer.from(name).toString('latin1', 0, NAME_BYTES), size, type);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits too. */
function recordOf(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  const digits = String(bytes + String(bytes).length).length;
  return `${bytes + digits}${rest}`;
}

function block(name: string, size: number, type: string): Uint8Array {
  const bytes = Buffer.alloc(BLOCK);
  bytes.write(name, 0, NAME_BYTES);
  bytes.write(type === DIRECTORY ? '0000700\0' : '0000600\0', 100);
  bytes.write('0000000\0', 108);
  bytes.write('0000000\0', 116);
  if (size < 8 ** 11) bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else {
    bytes.writeUInt8(0x80, 124);
    bytes.writeBigUInt64BE(BigInt(size), 128);
  }
  bytes.write('00000000000\0', 136);
  bytes.write('        ', 148);
  bytes.write(type, 156);
  bytes.write('ustar\x0000', 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}
