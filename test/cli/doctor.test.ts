import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

const CONFIG = `sources:
  - { slug: shop, kind: postgres, backup: { type: dump, location: dumps }, restore_only: true }
`;
const FLEET = 'redis: { url: env:FLEET_REDIS }\nindex: { url: env:FLEET_INDEX }\n';

interface Finding {
  readonly subject: string;
  readonly outcome: string;
  readonly detail: string;
  readonly install?: readonly string[];
}

let here: MusterFolder;
beforeEach(async () => {
  here = await musterFolder({ 'muster.yaml': CONFIG });
});
afterEach(() => here.remove());

async function findings(env: Readonly<Record<string, string>> = {}): Promise<readonly Finding[]> {
  return JSON.parse((await here.run(['doctor', '--json'], env)).stdout).findings;
}
const found = async (subject: string, env?: Readonly<Record<string, string>>) =>
  (await findings(env)).find((one) => one.subject === subject);

describe('of the signing key, doctor says', () => {
  const make = async (): Promise<string> => {
    const made = await here.run(['keys', 'generate', '--out', 'fleet.key', '--json']);
    await here.write('muster.yaml', `${CONFIG}signing: { key: file:fleet.key }\n`);
    return JSON.parse(made.stdout).key_id;
  };

  it('that it is in order', async () => {
    const keyId = await make();
    expect(await found('signing key')).toMatchObject({
      outcome: 'ok',
      detail: expect.stringContaining(keyId.slice(0, 16)),
    });
    expect(await found('keyring')).toMatchObject({ outcome: 'ok' });
  });

  it('that others may read it, and the command that ends that does', async () => {
    await make();
    await chmod(join(here.folder, 'fleet.key'), 0o644);
    const told = await found('signing key');
    expect(told).toMatchObject({
      outcome: 'warning',
      detail: expect.stringContaining('could sign receipts'),
    });
    execFileSync('sh', ['-c', told?.install?.[0] ?? 'false']);
    expect(await found('signing key')).toMatchObject({ outcome: 'ok' });
  });

  it('that the keyring does not hold it, and the command that puts it there does', async () => {
    const keyId = await make();
    await rm(join(here.folder, 'keys', `${keyId}.pem`));
    await here.run(['keys', 'generate', '--out', 'other.key']);
    const told = await found('keyring');
    expect(told).toMatchObject({ outcome: 'fault', detail: expect.stringContaining(keyId.slice(0, 16)) });
    expect((await here.run(['doctor'])).exitCode).toBe(2);
    execFileSync('sh', ['-c', told?.install?.[0] ?? 'false']);
    expect(await found('keyring')).toMatchObject({ outcome: 'ok', detail: 'keys · 2 keys' });
  });
});

describe('of what a fleet needs, doctor says', () => {
  let redis: RedisServer;
  let server: DumpServer;
  beforeAll(async () => {
    [redis, server] = await Promise.all([startRedis(), dumpServer(15)]);
  });
  afterAll(() => Promise.all([redis?.close(), server?.close()]));

  const indexAt = (user: string, host = server.dir): string =>
    `postgresql://${user}@/postgres?host=${encodeURIComponent(host)}`;

  it('nothing where the configuration names nothing', async () => {
    const subjects = (await findings()).map(({ subject }) => subject);
    expect(subjects).not.toContain('redis');
    expect(subjects).not.toContain('index');
  });

  it('that Redis and the index are in order, and makes nothing there', async () => {
    await here.write('muster.yaml', `${CONFIG}${FLEET}`);
    const told = await findings({ FLEET_REDIS: redis.url, FLEET_INDEX: indexAt('postgres') });
    expect(told).toContainEqual({ subject: 'redis', outcome: 'ok', detail: 'answers' });
    const nothingRuns = expect.stringMatching(/No producer runs .*No sink runs/);
    expect(told).toContainEqual({ subject: 'services', outcome: 'warning', detail: nothingRuns });
    expect(told).toContainEqual({
      subject: 'index',
      outcome: 'ok',
      detail: expect.stringMatching(/ · its tables are made on first use$/),
    });
    expect(await server.sql('postgres', "SELECT to_regnamespace('muster') IS NULL")).toContain('t');
  });

  it('that neither answers, and what to do', async () => {
    await here.write('muster.yaml', `${CONFIG}${FLEET}`);
    const nowhere = join(here.folder, 'nowhere');
    await mkdir(nowhere);
    const told = await findings({
      FLEET_REDIS: `unix:${nowhere}/redis.sock`,
      FLEET_INDEX: indexAt('postgres', nowhere),
    });
    const fault = (subject: string, detail: RegExp) =>
      expect.objectContaining({ subject, outcome: 'fault', detail: expect.stringMatching(detail) });
    expect(told).toContainEqual(fault('redis', /Redis at .*nowhere\/redis\.sock/));
    expect(told).toContainEqual(fault('index', /start the server, or correct index\.url/));
  });

  it('that the user of the index may make no tables, and that the secret of Redis is not there', async () => {
    await here.write('muster.yaml', `${CONFIG}${FLEET}`);
    await server.sql('postgres', 'CREATE ROLE reader LOGIN');
    const told = await findings({ FLEET_INDEX: indexAt('reader') });
    expect(told).toContainEqual(
      expect.objectContaining({
        subject: 'index',
        outcome: 'fault',
        detail: expect.stringContaining('let it create schemas'),
      }),
    );
    expect(told).toContainEqual(
      expect.objectContaining({
        subject: 'redis',
        outcome: 'fault',
        detail: expect.stringContaining('env:FLEET_REDIS is not to be had'),
      }),
    );
  });
});
