import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { demux } from './demux.js';

const frame = (stream: number, bytes: Uint8Array): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
};

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

it('gives every byte to its stream in order, wherever the chunks are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 })), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
      async (frames, sizes) => {
        const heard: Record<number, Buffer[]> = { 1: [], 2: [] };
        const wire = Buffer.concat(frames.map(([stream, bytes]) => frame(stream, bytes)));
        await demux(
          Readable.from(cut(wire, sizes)),
          (piece) => void heard[1]?.push(Buffer.from(piece)),
          (piece) => void heard[2]?.push(Buffer.from(piece)),
        );
        for (const wanted of [1, 2]) {
          const sent = frames.filter(([stream]) => stream === wanted).map(([, bytes]) => bytes);
          expect(Buffer.concat(heard[wanted] ?? [])).toEqual(Buffer.concat(sent));
        }
      },
    ),
  );
});

it('does not read on while a piece is not taken', async () => {
  let produced = 0;
  const source = new Readable({
    highWaterMark: 1,
    read() {
      produced += 1;
      this.push(produced > 100 ? null : frame(1, Buffer.from('x')));
    },
  });
  let release = (): void => {};
  const taken = new Promise<void>((resolve) => {
    release = resolve;
  });
  let pieces = 0;
  const done = demux(
    source,
    () => {
      pieces += 1;
      return taken;
    },
    () => {},
  );
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(pieces).toBe(1);
  expect(produced).toBeLessThan(5);
  release();
  await done;
  expect(pieces).toBe(100);
});
