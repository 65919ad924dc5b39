import type { Readable } from 'node:stream';
import { isMusterError, MusterError, stopOnAbort } from '@muster/core';
import { unwrapping } from './decompress.js';
import { readingError } from './feed.js';
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

/** Looks at the head of a backup, inside of what it is wrapped in. `look` gets at least one byte. @throws `empty`. */
export async function peek<T>(
  bytes: AsyncIterable<Uint8Array>,
  look: (reader: HeadReader, wrapper: Wrapper) => Promise<T>,
): Promise<T> {
  const outer = new HeadReader(bytes);
  try {
    const magic = await outer.atLeast(AGE.length);
    if (magic.length === 0) outer.short(empty());
    const fault = encrypted(magic);
    if (fault !== undefined) throw fault;
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

const AGE = 'age-encryption.org/';
const ARMOR = '-----BEGIN AGE';

/** Undefined where it is not. */
function encrypted(head: Buffer): MusterError | undefined {
  const text = head.toString('latin1');
  const armored = text.startsWith(ARMOR);
  if (!armored && !text.startsWith(AGE)) return undefined;
  return new MusterError(
    armored ? 'unsupported_dump' : 'decrypt_failed',
    armored
      ? 'The backup is encrypted with age in its form of text, which is not read: encrypt it without --armor.'
      : 'The backup is encrypted with age: name what opens it, in backup.decrypt of the source, or beside --from with --decrypt env:NAME or file:PATH.',
  );
}

/** Looks at the head of a byte stream (not wrapped), and gives back a stream of all its bytes. @throws `empty`. */
export async function peekStream<T>(
  stream: Readable,
  signal: AbortSignal,
  look: (reader: HeadReader) => Promise<T>,
): Promise<{ readonly seen: T; readonly stream: Readable }> {
  const reader = new HeadReader(stream);
  const stop = (): void => void stream.destroy(new MusterError('cancelled', 'The drill was cancelled.'));
  try {
    return await stopOnAbort(signal, stop, async () => {
      const head = await reader.atLeast(1);
      if (head.length === 0) reader.short(empty());
      return { seen: await look(reader), stream: reader.replay() };
    });
  } catch (error) {
    stream.destroy();
    if (signal.aborted) throw new MusterError('cancelled', 'The drill was cancelled.', { cause: error });
    throw isMusterError(error) ? error : readingError(error);
  }
}

export const empty = (): MusterError =>
  new MusterError('empty', 'The backup is empty. Look at the job that makes it.');
