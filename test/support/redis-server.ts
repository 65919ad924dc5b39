import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';

/** A real Redis of the test's own, on a unix socket, as the fleet wants it: append-only file, no eviction. */
export interface RedisServer {
  readonly url: string;
  readonly socket: string;
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Again, with the data that is there; resolves when it answers. */
  start(): Promise<void>;
  /** Takes everything out of it. */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-redis-'));
  const socket = join(folder, 'redis.sock');
  let child: ChildProcess | undefined;
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill(signal);
    await gone;
  };
  const start = async (): Promise<void> => {
    child = spawn(
      'redis-server',
      [
        ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
      ],
      { stdio: 'ignore' },
    );
    await eventually('Redis answers', () => answers(socket));
  };
  const onExit = (): void => void child?.kill('SIGKILL');
  process.once('exit', onExit);
  await start();
  return {
    url: `unix:${socket}`,
    socket,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    wipe: async () => {
      const redis = new Redis(socket);
      await redis.flushall();
      redis.disconnect();
    },
    close: async () => {
      process.off('exit', onExit);
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** It says PONG: while it loads its data it says something else. */
function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(socket, () => client.write('PING\r\n'));
    client.once('data', (data) => {
      client.destroy();
      resolve(data.toString().startsWith('+PONG'));
    });
    client.once('error', () => resolve(false));
  });
}
