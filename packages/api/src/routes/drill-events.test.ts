import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { ApiToken } from '@muster/core';
import type { ToldEvent } from '@muster/queue';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiServer } from '../api.js';
import type { ApiPorts } from '../api-ports.js';
import { boardWorld, plan } from '../board/board-world.fixture.js';
import { ANSWER_MS } from '../limits.js';
import { bearer, tokens } from '../role-tokens.fixture.js';
import { buildServer } from '../server.js';

const PATH = `/api/v1/drills/${plan.drill_id}/events`;
const none = async () => undefined;

describe('a stream of events', () => {
  let server: ApiServer;
  let asked: PromiseWithResolvers<void>;
  let answer: PromiseWithResolvers<void>;
  let more: PromiseWithResolvers<void>;
  let known: readonly ApiToken[];
  let streams: number;
  beforeEach(async () => {
    [asked, answer, more] = [Promise.withResolvers(), Promise.withResolvers(), Promise.withResolvers()];
    [known, streams] = [tokens, 0];
    const find = async () => {
      asked.resolve();
      await answer.promise;
      return { plan, state: 'waiting', idleSince: new Date(0) };
    };
    const follow = async function* (_id: string, _after: string | undefined, signal: AbortSignal) {
      streams += 1;
      yield { id: '1-0', at: new Date(0), event: { type: 'waiting', why: 'x' } } satisfies ToldEvent;
      const aborted = once(signal, 'abort');
      await Promise.race([more.promise, aborted]);
      yield { id: '2-0', at: new Date(0), event: { type: 'waiting', why: 'y' } } satisfies ToldEvent;
      await aborted;
    };
    const ports = {
      ...boardWorld().ports,
      drills: { find },
      receipts: { find: none },
      registry: { list: async () => [] },
      states: { waiting: none },
      index: { get: none },
      events: { follow },
    } as unknown as ApiPorts;
    server = await buildServer(ports, { tokens: () => known, version: '0' });
    await server.listen({ host: '127.0.0.1', port: 0 });
    return () => server.close();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** A request for it, and the server's own end of its connection. */
  const request = async (): Promise<{ readonly client: Socket; readonly served: Socket }> => {
    const accepted = once(server.server, 'connection');
    const client = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
    const { authorization } = bearer('viewer');
    client.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`);
    const [served] = (await accepted) as [Socket];
    return { client, served };
  };

  it('does not begin for a reader who left before it could', async () => {
    const early = await request();
    await asked.promise;
    early.client.destroy();
    await once(early.served, 'close');
    answer.resolve();
    const next = await request();
    await once(next.client, 'data');
    expect(streams).toBe(1);
    next.client.destroy();
  });

  it('does not begin where the answer took so long that another was given', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const late = server.inject({ url: PATH, headers: bearer('viewer') });
    await asked.promise;
    vi.advanceTimersByTime(ANSWER_MS);
    expect((await late).json()).toMatchObject({ status: 503, code: 'timed_out' });
    answer.resolve();
    await server.inject({ url: `/api/v1/drills/${plan.drill_id}`, headers: bearer('viewer') });
    expect(streams).toBe(0);
  });

  it('tells nothing more to a reader whose token is gone', async () => {
    answer.resolve();
    const { client } = await request();
    let told = '';
    client.on('data', (data) => {
      told += data;
      if (told.includes('id: 1-0')) {
        known = [];
        more.resolve();
      }
    });
    await once(client, 'end');
    expect(told).not.toContain('id: 2-0');
  });

  it('is not held by whoever asks for its head alone', async () => {
    answer.resolve();
    const { statusCode } = await server.inject({ method: 'HEAD', url: PATH, headers: bearer('viewer') });
    expect([statusCode, streams]).toEqual([404, 0]);
  });
});
