import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import type { Heartbeat } from '@muster/queue';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiServer } from './api.js';
import type { ApiPorts } from './api-ports.js';
import { boardWorld } from './board/board-world.fixture.js';
import { ANSWER_MS } from './limits.js';
import { bearer, tokens } from './role-tokens.fixture.js';
import { buildServer } from './server.js';

const PATH = '/api/v1/workers';

describe('an API that is told to end', () => {
  let server: ApiServer;
  let asked: PromiseWithResolvers<void>;
  let answer: PromiseWithResolvers<readonly Heartbeat[]>;
  beforeEach(async () => {
    [asked, answer] = [Promise.withResolvers(), Promise.withResolvers()];
    const list = () => {
      asked.resolve();
      return answer.promise;
    };
    const ports = { ...boardWorld().ports, registry: { list } } as unknown as ApiPorts;
    server = await buildServer(ports, { tokens: () => tokens, version: '0' });
    await server.listen({ host: '127.0.0.1', port: 0 });
    return () => server.close();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const port = () => (server.server.address() as AddressInfo).port;

  it('answers what it has', async () => {
    const late = fetch(`http://127.0.0.1:${port()}${PATH}`, { headers: bearer('viewer') });
    await asked.promise;
    const closed = server.close();
    await vi.waitFor(() => expect(server.server.listening).toBe(false));
    answer.resolve([]);
    expect(await (await late).json()).toEqual({ workers: [] });
    await closed;
  });

  it('does not wait for somebody who does not read his answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const accepted = once(server.server, 'connection');
    const reader = connect(port(), '127.0.0.1').pause();
    // More than what lies between the two of them.
    for (let asking = 0; asking < 20; asking += 1) {
      reader.write('GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n');
    }
    const [served] = await accepted;
    await vi.waitFor(() => expect(served.writableNeedDrain).toBe(true));
    const closed = server.close();
    await vi.waitFor(() => expect(server.server.listening).toBe(false));
    vi.advanceTimersByTime(ANSWER_MS);
    await closed;
    reader.destroy();
  });
});
