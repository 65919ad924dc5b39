import { pipeline, Readable, Transform, finished as whenFinished } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { isMusterError, MusterError } from '@muster/core';
import type { Wrapper } from './wrapper.js';
import { zstdFrames } from './zstd-frames.js';

/**
 * The bytes inside a wrapper: every member of a multi-member gzip, every frame of a multi-frame zstd. Ends with
 * `truncated` or `corrupt` where the wrapper does not reach its end, its checksum is wrong, or something else follows.
 * Destroying the result destroys `source`.
 */
export function unwrap(source: Readable, wrapper: Wrapper): Readable {
  if (wrapper === 'none') return source;
  const result = Readable.from(unwrapping(source, wrapper), { objectMode: false, highWaterMark: 256 * 1024 });
  // Readable.from does not start a generator that is destroyed before its first read.
  whenFinished(result, () => source.destroy());
  return result;
}

/** As {@link unwrap}, but nothing is read ahead: all bytes before a fault are given before it is thrown. */
export function unwrapping(source: Readable, wrapper: Exclude<Wrapper, 'none'>): AsyncGenerator<Buffer> {
  return wrapper === 'gzip' ? gunzip(source) : unzstd(source);
}

/** {@link unwrap}, for all that a backup is wrapped in: together no more than `limitBytes`. @throws `output_limit`. */
export function expander(
  limitBytes: number | undefined,
): (source: Readable, wrapper: Wrapper) => AsyncIterable<Buffer> {
  let bytes = 0;
  return async function* (source, wrapper) {
    for await (const piece of unwrap(source, wrapper)) {
      bytes += piece.length;
      if (limitBytes !== undefined && bytes > limitBytes) throw tooLarge(limitBytes);
      yield piece;
    }
  };
}

const tooLarge = (limitBytes: number): MusterError =>
  new MusterError(
    'output_limit',
    `What the backup is compressed from is over ${limitBytes} bytes, more than its scratch could hold. If that is right, give the source more \`scratch.disk\`.`,
  );

/** Node reads all members, but ignores whatever follows a zero byte: only padding may. */
async function* gunzip(source: Readable): AsyncGenerator<Buffer> {
  let total = 0;
  let zerosAtEnd = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      total += chunk.length;
      let last = chunk.length;
      while (last > 0 && chunk[last - 1] === 0) last -= 1;
      zerosAtEnd = last === 0 ? zerosAtEnd + chunk.length : chunk.length - last;
      done(null, chunk);
    },
  });
  const inside = listened(createGunzip({ chunkSize: 256 * 1024 }));
  source.on('error', (error) => counter.destroy(error));
  counter.on('error', (error) => inside.destroy(error));
  source.pipe(counter).pipe(inside);
  try {
    yield* inside;
    // It takes no more, and so would hold up what has to be counted.
    counter.unpipe(inside);
    if (!counter.readableEnded) await finished(counter.resume());
  } catch (error) {
    throw asFault(error, 'gzip');
  } finally {
    source.destroy();
    counter.destroy();
  }
  if (total - inside.bytesWritten > zerosAtEnd) throw trailing('gzip');
}

/** Node stops after the first frame, so each frame gets a decompressor of its own. */
async function* unzstd(source: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const frame of zstdFrames(source)) {
      const inside = listened(createZstdDecompress({ chunkSize: 256 * 1024 }));
      pipeline(Readable.from(frame, { objectMode: false }), inside, () => undefined);
      yield* inside;
    }
  } catch (error) {
    throw asFault(error, 'zstd');
  } finally {
    source.destroy();
  }
}

/** zlib may tell of a fault twice, the second time when nobody iterates any more. */
const listened = <T extends Transform>(stream: T): T => stream.on('error', () => undefined);

const trailing = (wrapper: Wrapper): MusterError =>
  new MusterError(
    'corrupt',
    `Something that is not ${wrapper} follows the ${wrapper} data of the dump. Take another backup.`,
  );

function asFault(error: unknown, wrapper: Wrapper): unknown {
  if (isMusterError(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'Z_BUF_ERROR') {
    return new MusterError(
      'truncated',
      `The ${wrapper} data of the dump end before their end. Take another backup.`,
      { cause: error },
    );
  }
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return new MusterError(
      'unsupported_dump',
      'The dump was compressed by zstd --long with a window over 128 MiB; compress it with a smaller one.',
      { cause: error },
    );
  }
  if (code.startsWith('Z_') || code.startsWith('ZSTD_')) {
    return new MusterError('corrupt', `The ${wrapper} data of the dump are damaged. Take another backup.`, {
      cause: error,
    });
  }
  return error;
}
