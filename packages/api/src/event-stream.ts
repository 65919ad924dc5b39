import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ToldEvent } from '@muster/queue';

const BEAT_MS = 15_000;

/**
 * Writes events as server-sent events (WHATWG HTML, 9.2) until the drill is stored, the reader is gone, or `signal`
 * aborts. The id of each is what `Last-Event-ID` resumes from. A reader who does not read is not told more: the server ends
 * a connection on which nothing moves.
 */
export async function streamEvents(
  to: ServerResponse,
  events: AsyncIterable<ToldEvent>,
  signal: AbortSignal,
): Promise<void> {
  to.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
    'x-accel-buffering': 'no',
  });
  // Whoever waits sees that the stream lives; so do proxies between.
  to.write(': muster\n\n');
  const beat = setInterval(() => {
    if (!to.writableNeedDrain) to.write(': \n\n');
  }, BEAT_MS).unref();
  try {
    for await (const { id, at, event } of events) {
      if (signal.aborted) return;
      const data = JSON.stringify({ at: at.toISOString(), ...event });
      const isTaken = to.write(`id: ${id}\nevent: ${event.type}\ndata: ${data}\n\n`);
      if (event.type === 'stored') return;
      if (!isTaken) await once(to, 'drain', { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(beat);
    to.end();
  }
}
