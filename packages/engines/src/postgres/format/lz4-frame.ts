import { MusterError } from '@muster/core';
import { Pieces } from '../../bytes/pieces.js';

/**
 * Walks an LZ4 frame by its block headers, without decompressing (Node has no LZ4): it must reach its end mark and end there.
 * @throws `truncated`, `corrupt`.
 */
export async function walkLz4(source: AsyncIterable<Buffer>): Promise<void> {
  const bytes = new Pieces(source, 'LZ4');
  if ((await bytes.header(4)).readUInt32LE(0) !== 0x184d2204) throw damaged('it does not begin as a frame');
  const flags = (await bytes.header(2)).readUInt8(0);
  if (flags >> 6 !== 1) throw damaged('its version is unknown');
  const contentSize = (flags & 0x08) !== 0 ? 8 : 0;
  const dictionary = (flags & 0x01) !== 0 ? 4 : 0;
  await bytes.header(contentSize + dictionary + 1);
  const blockChecksum = (flags & 0x10) !== 0 ? 4 : 0;
  for (;;) {
    const size = (await bytes.header(4)).readUInt32LE(0) & 0x7fffffff;
    if (size === 0) break;
    if (size > 4 * 1024 * 1024) throw damaged('a block is larger than blocks can be');
    for await (const _ of bytes.exactly(size + blockChecksum));
  }
  await bytes.header((flags & 0x04) !== 0 ? 4 : 0);
  if ((await bytes.upTo(1)).length > 0) throw damaged('something follows its end');
}

const damaged = (how: string): MusterError =>
  new MusterError('corrupt', `LZ4 data of the dump are damaged: ${how}. Take another backup.`);
