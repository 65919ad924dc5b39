import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { ToldEvent } from '@muster/queue';
import { expect, it } from 'vitest';
import { streamEvents } from './event-stream.js';

/** Far more than what lies between a server and a reader who does not read. */
const MANY = 2_000;
const why = 'x'.repeat(32 * 1024);

it('asks for no more events than its reader takes', async () => {
  let asked = 0;
  async function* events(): AsyncGenerator<ToldEvent> {
    while (asked < MANY) yield { id: `${++asked}-0`, at: new Date(0), event: { type: 'waiting', why } };
  }
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const server = createServer((_request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    resolve(streamEvents(response, events(), gone.signal));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  reader.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(server, 'request');
  await setImmediate();
  const taken = asked;
  expect(taken).toBeLessThan(MANY);
  let beginnings = 0;
  for await (const piece of reader) {
    beginnings += `${piece}`.split('event: ').length - 1;
    if (beginnings > taken) break;
  }
  // To leave in the middle ends it, too.
  await ended;
  expect(asked).toBeLessThan(MANY);
  server.close();
});
