import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Listen } from '@muster/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boardWorld } from './board/board-world.fixture.js';
import { type RunningApi, startApi } from './listen.js';
import { tokens } from './role-tokens.fixture.js';

let running: RunningApi | undefined;
const start = async (listen: Listen, known: typeof tokens = []): Promise<RunningApi> => {
  running = await startApi(boardWorld().ports, { listen, tokens: known }, { version: '0' });
  return running;
};
afterEach(async () => {
  await running?.close();
  running = undefined;
});

describe('without tokens, the API', () => {
  it.each(['127.0.0.1', '127.8.9.10', 'localhost', 'LOCALHOST'])(
    'listens on %s, and makes one',
    async (host) => {
      expect((await start({ host, port: 0 })).madeToken).toMatch(/^mst_/);
    },
  );

  it.each(['0.0.0.0', '0', '::', '::ffff:0:0', '192.0.2.1', '127.0.0.1.none.invalid', '127.0.0.999'])(
    'does not listen on %s',
    async (host) => {
      await expect(start({ host, port: 0 })).rejects.toMatchObject({ code: 'tokens_missing' });
    },
  );
});

describe('on a socket, the API', () => {
  let folder: string;
  let path: string;
  let other: Server | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-api-'));
    path = join(folder, 'api.sock');
  });
  afterEach(async () => {
    other?.close();
    other = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  it('answers whoever may use it, though they have no address', async () => {
    await start({ path }, tokens);
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    get({ socketPath: path, path: '/openapi.json' }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on('error', reject);
    expect(await promise).toBe(200);
  });

  it('takes the place of one that nobody listens on any more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    other = createServer().listen({ path, exclusive: true }, resolve);
    await promise;
    // Node would take it away when it is closed: a process that is killed does not.
    const kept = join(folder, 'kept');
    await rename(path, kept);
    other.close();
    await rename(kept, path);
    await start({ path }, tokens);
    expect((await stat(path)).isSocket()).toBe(true);
  });

  it('leaves a socket that answers to whoever has it', async () => {
    const first = await start({ path }, tokens);
    await expect(start({ path }, tokens)).rejects.toMatchObject({ code: 'address_unavailable' });
    expect((await stat(path)).isSocket()).toBe(true);
    await first.close();
  });

  it('leaves a file that is no socket as it is', async () => {
    await writeFile(path, 'precious');
    await expect(start({ path }, tokens)).rejects.toMatchObject({ code: 'address_unavailable' });
    expect(await readFile(path, 'utf8')).toBe('precious');
  });
});
