import type { Readable } from 'node:stream';

export type Sink = (piece: Buffer) => void | Promise<void>;

/**
 * Takes apart what Docker multiplexes (one byte stream number, three of padding, four of length, then the bytes), and
 * waits for each piece to be taken before it reads on, so that a slow reader holds back the process.
 * dockerode's own demultiplexer neither waits nor streams within a frame.
 */
export async function demux(stream: Readable, stdout: Sink, stderr: Sink): Promise<void> {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerFilled = 0;
  let left = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      if (left === 0) {
        const copied = chunk.copy(header, headerFilled, at, at + HEADER_BYTES - headerFilled);
        at += copied;
        headerFilled += copied;
        if (headerFilled < HEADER_BYTES) continue;
        headerFilled = 0;
        left = header.readUInt32BE(4);
        continue;
      }
      const piece = chunk.subarray(at, at + left);
      at += piece.length;
      left -= piece.length;
      await (header[0] === STDERR ? stderr : stdout)(piece);
    }
  }
}

const HEADER_BYTES = 8;
const STDERR = 2;
