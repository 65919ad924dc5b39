import { createHash } from 'node:crypto';
import { pipeline, type Readable, Transform } from 'node:stream';
import type { Examined } from '../examine/examined.js';
import { FLOW_BUFFER_BYTES } from './flow-buffer.js';

/** `second` fed by `first`; a fault of either is a fault of the result, and destroying the result destroys both. */
export function chained<T extends Transform>(first: Readable, second: T): T {
  pipeline(first, second, () => undefined);
  return second;
}

/** Counts what flows, as it flows. */
export function counting(
  source: Readable,
  onBytes: (bytes: number) => void,
  onChunk: (chunk: Uint8Array) => void = () => undefined,
): { readonly stream: Readable; readonly bytes: () => number } {
  let bytes = 0;
  const stream = new Transform({
    readableHighWaterMark: FLOW_BUFFER_BYTES,
    writableHighWaterMark: FLOW_BUFFER_BYTES,
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      onChunk(chunk);
      onBytes(bytes);
      done(null, chunk);
    },
  });
  return { stream: chained(source, stream), bytes: () => bytes };
}

/** Counts and hashes what flows; the result is asked for once everything has. */
export function hashing(
  source: Readable,
  onBytes: (bytes: number) => void,
): { readonly stream: Readable; readonly result: () => Examined } {
  const hash = createHash('sha256');
  const { stream, bytes } = counting(source, onBytes, (chunk) => hash.update(chunk));
  return { stream, result: () => ({ sha256: `sha256:${hash.digest('hex')}`, sizeBytes: bytes() }) };
}
