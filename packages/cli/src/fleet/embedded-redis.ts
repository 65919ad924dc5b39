import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import { openRedis } from '@muster/queue';
import type { Environment } from '../environment.js';
import { ensurePrivate, stateDirectory } from '../places.js';
import { embeddedRedisDirectory, embeddedRedisSocket } from './redis-place.js';

export interface EmbeddedRedis {
  readonly url: string;
  /** Resolves when it ended, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const READY_MS = 60_000;
const STOP_MS = 20_000;
/** It ends when the stdin of this shell does, and so with whoever started it, even by SIGKILL. $0 is where its socket is. */
const WITH_PARENT = `command -v redis-server >/dev/null || exit 127
exec 3<&0
redis-server "$@" </dev/null >/dev/null 2>&1 & server=$!
{ cat <&3 >/dev/null; kill $server; } 2>/dev/null &
wait $server; ended=$?
rmdir "$0" 2>/dev/null
exit $ended`;

/**
 * A Redis of this process's own, on a unix socket, with an append-only file in the state directory, which it has locked.
 * @throws `redis_unavailable` where there is no redis-server.
 */
export async function startEmbeddedRedis(environment: Environment): Promise<EmbeddedRedis> {
  const socket = embeddedRedisSocket(environment);
  const url = `unix:${socket}`;
  await ensurePrivate(stateDirectory(environment));
  const [data] = await Promise.all([
    ensurePrivate(join(stateDirectory(environment), 'redis')),
    ensurePrivate(embeddedRedisDirectory(environment)),
  ]);
  await rm(socket, { force: true });
  const log = join(data, 'redis.log');
  const options = [
    ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', data, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
    ...['--logfile', log, '--loglevel', 'warning'],
  ];
  // In a session of its own: Ctrl-C at the terminal is not for it, it goes last.
  const child = spawn('sh', ['-c', WITH_PARENT, embeddedRedisDirectory(environment), ...options], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.on('error', () => {});
  const ended = once(child, 'exit').then(([code]) => Number(code));
  const up = await Promise.race([ready(url), ended]);
  if (up === 127) {
    throw new MusterError(
      'redis_unavailable',
      'There is no redis-server here for muster up to start: install the package redis-server (Debian, Ubuntu) or redis, or name a Redis with redis.url.',
    );
  }
  if (up !== 'ready') {
    child.stdin.end();
    throw new MusterError('redis_unavailable', `The embedded Redis did not start: see ${log}.`);
  }
  return {
    url,
    ended: ended.then(() => undefined),
    stop: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
      await rm(embeddedRedisDirectory(environment), { recursive: true, force: true });
    },
  };
}

async function ready(url: string): Promise<'ready' | 'late'> {
  const end = Date.now() + READY_MS;
  while (Date.now() < end) {
    if (await answers(url)) return 'ready';
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return 'late';
}

/** It loads its data first, and says so to whoever asks. */
async function answers(url: string): Promise<boolean> {
  const redis = openRedis(url, 'commands');
  try {
    return await Promise.race([redis.ping().then((word) => word === 'PONG'), refused(redis)]);
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

function refused(redis: ReturnType<typeof openRedis>): Promise<false> {
  return new Promise((resolve) => redis.once('error', () => resolve(false)));
}
