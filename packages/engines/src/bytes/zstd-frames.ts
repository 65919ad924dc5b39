import { isMusterError, MusterError } from '@muster/core';
import { cutShort, Pieces } from './pieces.js';

/**
 * Splits zstd data into its frames (RFC 8878) by their headers alone, skippable frames left out. Each frame must be read to its end before
 * the next one is asked for. @throws `truncated` where the last one does not end, `corrupt` for what is no frame.
 */
export async function* zstdFrames(source: AsyncIterable<Buffer>): AsyncGenerator<AsyncGenerator<Buffer>> {
  const bytes = new Pieces(source, 'zstd');
  for (let first = true; ; first = false) {
    const magic = await bytes.upTo(4);
    if (magic.length === 0 && !first) return;
    if (magic.length < 4) throw cutShort('zstd');
    const number = magic.readUInt32LE(0);
    if (number === 0xfd2fb528) {
      let cut: unknown;
      yield untilCut(frame(magic, bytes), (error) => {
        cut = error;
      });
      if (cut !== undefined) throw cut;
    } else if ((number & 0xfffffff0) >>> 0 === 0x184d2a50) {
      for await (const _ of bytes.exactly((await bytes.header(4)).readUInt32LE(0)));
    } else {
      throw new MusterError(
        'corrupt',
        'Something that is not zstd follows the zstd data of the dump. Take another backup.',
      );
    }
  }
}

/** A frame that is cut just ends, so that the decompressor gives what was in it; the fault comes after that. */
async function* untilCut(
  frame: AsyncGenerator<Buffer>,
  onCut: (error: unknown) => void,
): AsyncGenerator<Buffer> {
  try {
    yield* frame;
  } catch (error) {
    if (!isMusterError(error, 'truncated')) throw error;
    onCut(error);
  }
}

async function* frame(magic: Buffer, bytes: Pieces): AsyncGenerator<Buffer> {
  const descriptor = await bytes.header(1);
  const flags = descriptor.readUInt8(0);
  const singleSegment = (flags & 0x20) !== 0;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  yield Buffer.concat([
    magic,
    descriptor,
    await bytes.header((singleSegment ? 0 : 1) + dictionary + contentSize),
  ]);
  for (let last = false; !last; ) {
    const block = await bytes.header(3);
    const word = block.readUIntLE(0, 3);
    last = (word & 1) === 1;
    yield block;
    // An RLE block is one byte, however much it stands for.
    yield* bytes.exactly(((word >> 1) & 3) === 1 ? 1 : word >> 3);
  }
  if ((flags & 4) !== 0) yield await bytes.header(4);
}
