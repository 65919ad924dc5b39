import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

const CONFIG = `sources:
  - { slug: shop, kind: postgres, backup: { type: dump, location: dumps }, restore_only: true }
signing: { key: file:fleet.key }
`;

let redis: RedisServer;
let here: MusterFolder;
beforeEach(async () => {
  redis = await startRedis();
  here = await musterFolder({ 'muster.yaml': CONFIG });
});
afterEach(async () => {
  await redis.close();
  await here.remove();
});

it.each([
  ['is not there', undefined, 'there is no such file'],
  ['is none', 'no key', 'fleet.key'],
])('a worker whose key %s says so in one line, and ends', async (_, key, why) => {
  const env = { MUSTER_REDIS_URL: redis.url };
  const producer = here.start(['producer'], env);
  await producer.said(/"msg":"ready"/);
  if (key !== undefined) await here.write('fleet.key', key);
  const { exitCode, stdout, stderr } = await here.run(['worker'], env);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(stderr)).toMatchObject({
    level: 'error',
    error: expect.stringMatching(/^This worker cannot sign, and takes no drill\. The signing key /),
  });
  expect(stderr).toContain(join(here.folder, 'fleet.key'));
  expect(stderr).toContain(why);
  producer.child.kill('SIGTERM');
  await producer.ended;
});
