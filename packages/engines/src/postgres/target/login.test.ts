import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseConnectionUri } from '../live/connection-uri.js';
import { type Login, withLogin } from './login.js';

const loginTo = (port: number): Login => {
  const uri = parseConnectionUri(`postgresql://somebody:geheim@127.0.0.1:${port}/shop?sslmode=disable`);
  const [host] = uri.hosts;
  if (host === undefined) throw new Error('no host');
  return { uri, host, ssl: false, guarded: false, maintenance: 'postgres' };
};

describe('a session at a target', () => {
  it('that its server ends without a word is a fault of the target, and names no secret', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.end())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const signal = new AbortController().signal;
    try {
      const error = await withLogin(loginTo(port), 'shop', signal, async () => 1).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'target_unreachable', message: expect.stringMatching(/"shop"/) });
      expect(error.message).not.toContain('geheim');
    } finally {
      server.close();
    }
    await expect(withLogin(loginTo(1), 'shop', signal, async () => 1)).rejects.toMatchObject({
      code: 'target_unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
