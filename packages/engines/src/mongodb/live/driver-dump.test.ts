import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { driverDump } from './driver-dump.js';

it('a source that says nothing holds up nobody who gives up, and is let go of', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.resume())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const giveUp = new AbortController();
  try {
    const uri = `mongodb://127.0.0.1:${port}/shop`;
    const stream = driverDump({ uri, serverVersion: '7.0.1', snapshot: false }, giveUp.signal).resume();
    const failed = once(stream, 'error');
    await once(server, 'connection');
    giveUp.abort(new Error('given up'));
    expect(await failed).toEqual([new Error('given up')]);
    await Promise.all(sockets.filter(({ closed }) => !closed).map((socket) => once(socket, 'close')));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
