import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../packages/cli/src/environment.ts';
import { embeddedRedisDirectory, embeddedRedisSocket } from '../../packages/cli/src/fleet/redis-place.ts';
import { lockState } from '../../packages/cli/src/fleet/state-lock.ts';
import { ensurePrivate } from '../../packages/cli/src/places.ts';

describe('a state directory', () => {
  let folder: string;
  let environment: Environment;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-state-'));
    environment = { env: { MUSTER_STATE_DIR: folder }, uid: 0, cwd: folder } as unknown as Environment;
  });
  afterEach(async () => {
    await rm(embeddedRedisDirectory(environment), { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  });

  it('belongs to one of those who want it at the same time, until that one lets go', async () => {
    const locks = await Promise.allSettled([1, 2, 3].map(() => lockState(environment)));
    const held = locks.flatMap((lock) => (lock.status === 'fulfilled' ? [lock.value] : []));
    expect(held).toHaveLength(1);
    await held[0]?.release();
    await (await lockState(environment)).release();
  });

  it('belongs to a Redis that does not answer yet', async () => {
    const socket = embeddedRedisSocket(environment);
    await ensurePrivate(embeddedRedisDirectory(environment));
    const silent = "require('net').createServer(() => {}).listen(process.argv[1], () => console.log('up'))";
    const redis = spawn(process.execPath, ['-e', silent, socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(redis.stdout, 'data');
    await expect(lockState(environment)).rejects.toThrow('Another muster up runs');
    redis.kill('SIGKILL');
    await once(redis, 'exit');
    await (await lockState(environment)).release();
  });
});
