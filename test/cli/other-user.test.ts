import { chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

const CONFIG = `sources:
  - { slug: shop, kind: postgres, backup: { type: dump, location: dumps }, restore_only: true }
`;
const NOBODY = 65534;

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

const evidence = (): string => join(here.folder, 'evidence');
const giveAway = async (): Promise<void> => {
  await mkdir(evidence(), { recursive: true });
  await chown(evidence(), NOBODY, NOBODY);
};

describe.runIf(process.geteuid?.() === 0)('in an evidence store that belongs to another user', () => {
  const refused = {
    exitCode: 2,
    stdout: '',
    stderr: expect.stringMatching(/evidence belongs to nobody, .*runuser -u nobody -- muster/),
  };

  it('root asks for no drill, and nothing is written', async () => {
    const env = { MUSTER_REDIS_URL: redis.url };
    const producer = here.start(['producer'], env);
    await producer.said(/"msg":"ready"/);
    await giveAway();
    expect(await here.run(['drill', 'enqueue', '--source', 'shop'], env)).toMatchObject(refused);
    expect(await here.run(['drill', 'run', '--source', 'shop'], env)).toMatchObject(refused);
    expect(await readdir(evidence())).toEqual([]);
    expect((await readdir(here.folder)).toSorted()).toEqual(['evidence', 'muster.yaml']);
    producer.child.kill('SIGTERM');
    await producer.ended;
  });

  it('no producer starts, and it says why', async () => {
    await giveAway();
    const ran = await here.run(['producer'], { MUSTER_REDIS_URL: redis.url });
    expect(ran).toMatchObject(refused);
    expect(ran.stderr).not.toContain('"msg":"ready"');
  });
});
