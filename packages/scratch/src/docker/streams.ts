import { once } from 'node:events';
import type { Duplex, Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Sink } from './demux.js';

/**
 * Sends a source to a process's stdin, its end as an end of file. A process that reads no more lets the source go
 * (destroys it) and is no fault; a source that fails, or ends without an end, is. Then the stream stays open: it is also
 * what the process is heard by, and that says by which pid it is killed.
 */
export async function feed(
  source: Readable,
  stdin: Duplex,
  onFault: (error: unknown) => void,
): Promise<void> {
  const isRead = (): boolean => !stdin.destroyed && !stdin.readableEnded && stdin.errored === null;
  const broken = (): unknown => source.errored ?? new Error('the stream to stdin was closed before its end');
  if (source.destroyed && !source.readableEnded) {
    onFault(broken());
    return;
  }
  source.once('error', (error) => {
    if (isRead()) onFault(error);
  });
  source.once('close', () => {
    if (isRead() && !source.readableEnded) onFault(broken());
  });
  const letGo = (): void => void source.destroy();
  if (stdin.destroyed) letGo();
  else stdin.once('close', letGo);
  source.pipe(stdin);
  const ended = finished(source, { writable: false });
  await ended.then(() => finished(stdin, { readable: false })).catch(() => {});
  stdin.off('close', letGo);
}

/**
 * Writes to a stream that is somebody else's: waits for it, never ends it, and reports when it breaks. Once stopped it
 * takes everything and keeps nothing, so that what comes after it in the same stream is still heard.
 */
export function drainTo(
  target: Writable,
  onFault: (error: unknown) => void,
  stopped: AbortSignal,
): { readonly write: Sink; release(): void } {
  const onClose = (): void => onFault(target.errored ?? new Error('the stream from stdout was closed'));
  target.on('error', onFault);
  target.on('close', onClose);
  if (target.destroyed) onClose();
  return {
    write: async (piece) => {
      if (stopped.aborted || target.write(piece)) return;
      await once(target, 'drain', { signal: stopped }).catch(() => {});
    },
    release: () => {
      target.off('close', onClose);
      target.off('error', onFault);
    },
  };
}
