import { once } from 'node:events';
import type { Writable } from 'node:stream';

/**
 * Resolves when a stream takes more, or will never. Nothing is left behind: a race with one promise of its end would keep
 * something of every wait until that end.
 */
export async function drained(stream: Writable): Promise<void> {
  if (stream.destroyed) return;
  const over = new AbortController();
  const options = { signal: over.signal };
  await Promise.race([once(stream, 'drain', options), once(stream, 'close', options)]).catch(() => undefined);
  over.abort();
}
