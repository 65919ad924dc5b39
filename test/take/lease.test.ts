import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createTakeHistory, openRedis, takeLease } from '@muster/queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { eventually } from '../support/eventually.ts';
import { quietPort } from '../support/free-port.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { canRunIn } from '../support/needs.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const KEY = `muster:lease:${takeLease('shop')}`;
const OTHER = 'tak_01JD0000000000000000000000 nonce';

describe.runIf(canRunIn('bubblewrap'))('a take by hand, where a fleet may take the same', () => {
  let redisServer: RedisServer;
  let redis: ReturnType<typeof openRedis>;
  let server: DumpServer;
  let port: number;
  let folder: MusterFolder;
  beforeAll(async () => {
    port = await quietPort();
    [redisServer, server, folder] = await Promise.all([
      startRedis(),
      dumpServer(15, { port }),
      musterFolder(),
    ]);
    redis = openRedis(redisServer.url, 'commands');
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql(
      'shop',
      'CREATE TABLE item AS SELECT md5(g::text) AS s FROM generate_series(1, 50000) g',
    );
    await mkdir(join(folder.folder, 'dumps'));
    await folder.write(
      'muster.yaml',
      `sources: [{ slug: shop, kind: postgres, restore_only: true, fidelity: off, take: { overrun: wait },
        connection: { uri: env:URI }, backup: { type: dump, location: ./dumps } }]
redis: { url: env:REDIS }\n`,
    );
  });
  afterAll(async () => {
    redis?.disconnect();
    await folder?.remove();
    await server?.close();
    await redisServer?.close();
  });
  const env = (at = port) => ({
    REDIS: redisServer.url,
    URI: `postgresql://postgres@127.0.0.1:${at}/shop?sslmode=disable`,
  });

  it('stops when another has its source, says so, and leaves nothing', async () => {
    const stalls = await tcpProxy(port, 500_000, 'stall');
    try {
      const taking = folder.start(['backup', 'take'], env(stalls.port));
      await taking.said(/dumping/);
      await eventually('it writes', async () => (await readdir(join(folder.folder, 'dumps'))).length === 1);
      await redis.set(KEY, OTHER);
      const { exitCode, stderr } = await taking.ended;
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringMatching(/lease "take:shop" was lost: another took it.*"dump"/s),
      });
      expect(await readdir(join(folder.folder, 'dumps'))).toEqual([]);
      expect(await redis.get(KEY)).toBe(OTHER);
      const known = await createTakeHistory(redis).list(['shop']);
      expect(known.get('shop')).toMatchObject([{ outcome: 'failed', reason: 'lease_lost' }]);
    } finally {
      stalls.close();
      await redis.del(KEY);
    }
  });

  it('that waits for another is cancelled at once', async () => {
    await redis.set(KEY, OTHER);
    const taking = folder.start(['backup', 'take'], env());
    await taking.said(/waits for a take that runs/);
    taking.child.kill('SIGINT');
    expect(await taking.ended).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('while it waited'),
    });
    await redis.del(KEY);
  });
});
