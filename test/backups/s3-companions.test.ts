import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createS3Companion } from '@muster/backups';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { canServeS3, S3_KEY, type S3Server, s3Server } from '../support/s3-server.ts';

const BUCKET = 'models';
const { signal } = new AbortController();
const QUICK = {
  timing: { attempt: 2_000, backoff: [10, 20] },
  stall: 300,
  again: [10, 20, 40],
} as const;
const AUDIT = "find -L . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum";
const MODEL = Buffer.alloc(300_000, 'model');

describe.runIf(canServeS3())('companions in S3', () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let folder: string;
  let prefix: string;
  let count = 0;
  beforeAll(async () => {
    server = await s3Server({ versions: false });
    await server.makeBucket(BUCKET);
  });
  afterAll(() => server?.close());
  beforeEach(async () => {
    count += 1;
    prefix = `cache/${count}`;
    proxy = await s3Proxy(server.endpoint);
    folder = await mkdtemp(join(tmpdir(), 'muster-s3-companion-'));
  });
  afterEach(async () => {
    await proxy.close();
    await rm(folder, { recursive: true, force: true });
  });

  const put = (name: string, Body: Uint8Array | string) =>
    server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}${name}`, Body }));
  const placeAt = (bucket = BUCKET) =>
    createS3Companion({
      bucket,
      prefix,
      connection: { endpoint: proxy.endpoint, credentials: async () => S3_KEY },
      bounds: QUICK,
    });
  const fetched = async (
    options: { mostBytes?: number; onBytes?: (bytes: number) => void; bucket?: string } = {},
  ) => {
    const place = placeAt(options.bucket);
    expect(place.location).toBe(`s3://${options.bucket ?? BUCKET}/${prefix}`);
    const room = { directory: join(folder, '0'), mostBytes: options.mostBytes ?? 1e9 };
    return await place.fetch(room, options.onBytes ?? (() => {}), signal);
  };
  const audited = (path: string): string =>
    `sha256:${execFileSync('bash', ['-c', AUDIT], { cwd: path, encoding: 'utf8' }).slice(0, 64)}`;

  it('are what lies below a prefix, as a directory that all may read', async () => {
    await put('/', '');
    await put('/config.json', '{}');
    await put('/deep/er/model.bin', MODEL);
    await put('/deep/', '');
    await put('0/not-below-it', 'x');
    const seen: number[] = [];
    const told = await fetched({ onBytes: (bytes) => seen.push(bytes) });
    expect(told).toMatchObject({ files: 2, sizeBytes: 300_002, sha256: audited(told.path) });
    expect(seen.at(-1)).toBe(300_002);
    expect(await readFile(join(told.path, 'deep/er/model.bin'))).toEqual(MODEL);
    for (const [path, mode] of [
      ['', 0o755],
      ['deep/er', 0o755],
      ['config.json', 0o644],
    ] as const)
      expect((await stat(join(told.path, path))).mode & 0o777).toBe(mode);
    await told.unchanged(signal);
  });

  it('are one object where it has that very key', async () => {
    await put('', 'abc');
    await put('0', 'x');
    const told = await fetched();
    expect(told).toMatchObject({ files: 1, sizeBytes: 3 });
    expect(told.sha256).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(await readFile(told.path, 'utf8')).toBe('abc');
  });

  it('are missing where there is nothing below the prefix', async () => {
    await put('/', '');
    await put('0/x', 'x');
    await expect(placeAt().look({ mostBytes: 1 }, signal)).rejects.toMatchObject({
      code: 'companion_missing',
    });
    await expect(fetched()).rejects.toMatchObject({ code: 'companion_missing' });
  });

  it('are fetched only where there is room for them', async () => {
    await put('/a', 'abc');
    await expect(fetched({ mostBytes: 2 })).rejects.toMatchObject({ code: 'scratch_disk_full' });
  });

  it.each([
    ['/a\nb', 'has a line break or a backslash'],
    ['/a\\b', 'has a line break or a backslash'],
  ])('cannot be used with an object %j', async (name, why) => {
    await put(name, 'x');
    const message = expect.stringContaining(why);
    await expect(fetched()).rejects.toMatchObject({ code: 'companion_unusable', message });
  });

  it('of a bucket that is absent could not be read', async () => {
    await expect(fetched({ bucket: 'no-such-bucket' })).rejects.toMatchObject({
      code: 'backup_unreadable',
      message: expect.stringContaining('there is no such bucket: create it, or correct companions[].from'),
    });
  });

  it('are fetched whole though the connection breaks', async () => {
    await put('/model.bin', MODEL);
    proxy.fate('GET', 'pass', 'pass', { cut: 100_000 }, { cut: 50_000 }, 'pass');
    const told = await fetched();
    expect(await readFile(join(told.path, 'model.bin'))).toEqual(MODEL);
    expect(told.sha256).toBe(audited(told.path));
    expect(proxy.count('GET')).toBe(5);
  });

  it('that came otherwise than they are stored are no good', async () => {
    await put('/model.bin', MODEL);
    proxy.fate('GET', 'pass', 'pass', { flip: 1000 });
    await expect(fetched()).rejects.toMatchObject({ code: 'checksum_mismatch' });
  });

  it('that change while they are fetched are told so', async () => {
    await put('/model.bin', MODEL);
    // What the storage says where the object is another by now than the one that was listed.
    proxy.fate('HEAD', { status: 412 });
    await expect(fetched()).rejects.toMatchObject({
      code: 'backup_changed',
      message: expect.stringContaining(`The companion s3://${BUCKET}/${prefix} changed`),
    });
  });
});
