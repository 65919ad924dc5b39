import type { Readable } from 'node:stream';
import { isMusterError, MusterError } from '@muster/core';
import { unwrapping } from './decompress.js';
import { readBackup, readingError } from './feed.js';
import { HeadReader } from './head-reader.js';
import { wrapperOf } from './signatures.js';
import type { Wrapper } from './wrapper.js';

/** Faults of reading a backup as what they mean. @throws `cancelled`, `backup_unreadable`, and what `work` throws. */
export async function reading<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled.', { cause: error });
    throw readingError(error);
  }
}

/** Looks at the head of a file, inside of what it is wrapped in. `look` gets at least one byte. @throws `empty`. */
export async function peekFile<T>(
  path: string,
  signal: AbortSignal,
  look: (reader: HeadReader, wrapper: Wrapper) => Promise<T>,
): Promise<T> {
  const outer = new HeadReader(readBackup(path, signal));
  try {
    const magic = await outer.atLeast(8);
    if (magic.length === 0) outer.short(empty());
    const wrapper = wrapperOf(magic);
    if (wrapper === 'none') return await look(outer, wrapper);
    const inner = new HeadReader(unwrapping(outer.replay(), wrapper));
    try {
      const head = await inner.atLeast(1);
      if (head.length === 0) inner.short(empty());
      return await look(inner, wrapper);
    } finally {
      await inner.close();
    }
  } finally {
    await outer.close();
  }
}

/** Looks at the head of a byte stream (not wrapped), and gives back a stream of all its bytes. @throws `empty`. */
export async function peekStream<T>(
  stream: Readable,
  signal: AbortSignal,
  look: (reader: HeadReader) => Promise<T>,
): Promise<{ readonly seen: T; readonly stream: Readable }> {
  const reader = new HeadReader(stream);
  const stop = (): void => void stream.destroy(new MusterError('cancelled', 'The drill was cancelled.'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    const head = await reader.atLeast(1);
    if (head.length === 0) reader.short(empty());
    return { seen: await look(reader), stream: reader.replay() };
  } catch (error) {
    stream.destroy();
    if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled.', { cause: error });
    throw isMusterError(error) ? error : readingError(error);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export const empty = (): MusterError =>
  new MusterError('empty', 'The backup is empty. Look at the job that makes it.');
