import { mkdir, mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pinSocket } from './pin-socket.js';

let path: string;
let servers: Server[];
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'mst-pin-'));
  await mkdir(join(path, 's'));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) server.close();
  await rm(path, { recursive: true });
});

const directory = () => ({ id: 'x', path, socketDir: join(path, 's'), remove: async () => {} });

async function listen(at: string, greeting: string): Promise<void> {
  const server = createServer((client) => client.end(greeting));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(at, resolve));
}

function greetingOf(at: string): Promise<string> {
  return new Promise((resolve, reject) => {
    connect(at)
      .once('data', (bytes) => resolve(bytes.toString()))
      .once('error', reject);
  });
}

describe('a pinned socket', () => {
  it('reaches the server, whatever the cell makes of the name that it sees', async () => {
    await listen(join(path, 's/server'), 'the scratch');
    await listen(join(path, 'other'), 'another server of this machine');
    await pinSocket(directory(), 'server');
    await unlink(join(path, 's/server'));
    await symlink(join(path, 'other'), join(path, 's/server'));
    expect(await greetingOf(join(path, 's/server'))).toBe('another server of this machine');
    expect(await greetingOf(join(path, 'server'))).toBe('the scratch');
  });

  it('is refused where the name is a link, or no socket', async () => {
    await listen(join(path, 'other'), 'another server of this machine');
    await symlink(join(path, 'other'), join(path, 's/server'));
    await expect(pinSocket(directory(), 'server')).rejects.toMatchObject({ code: 'launch_failed' });
    await writeFile(join(path, 's/file'), '');
    await expect(pinSocket(directory(), 'file')).rejects.toMatchObject({ code: 'launch_failed' });
    await expect(pinSocket(directory(), 'absent')).rejects.toMatchObject({ code: 'launch_failed' });
  });
});
