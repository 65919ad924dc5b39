import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOwnConfig } from './own-config.js';

describe('a pgBackRest repository, by its own configuration,', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-pgbackrest-conf-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const config = async (text: string) => {
    const file = join(folder, 'pgbackrest.conf');
    await writeFile(file, text);
    return await readOwnConfig(file, 'main', AbortSignal.timeout(5_000));
  };

  it('is where that says, the section of the stanza before the global one', async () => {
    const text = '[global]\nrepo1-path=/a\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=x=y #z\n';
    expect(await config(text)).toEqual({ type: 'directory', path: '/a', passphrase: 'x=y #z' });
    expect(await config(`${text}[main]\nrepo1-path = /b\n[other]\nrepo1-path=/c\n`)).toMatchObject({
      path: '/b',
    });
  });

  it('has no passphrase where nothing is encrypted', async () => {
    expect(await config('[global]\nrepo1-cipher-pass=x\n')).toEqual({
      type: 'directory',
      path: '/var/lib/pgbackrest',
    });
  });

  it.each(['repo1-type=gcs', 'repo1-host=backup'])('is not read from elsewhere: %s', async (line) => {
    await expect(config(`[global]\n${line}\n`)).rejects.toMatchObject({ code: 'backup_unreadable' });
  });

  it('needs a configuration that can be read', async () => {
    await expect(
      readOwnConfig(join(folder, 'none'), 'main', AbortSignal.timeout(5_000)),
    ).rejects.toMatchObject({
      code: 'backup_unreadable',
    });
  });

  it.each([
    ['a pipe', 'no regular file', async (file: string) => execFileSync('mkfifo', [file])],
    ['long', 'far too long', (file: string) => writeFile(file, ' '.repeat(1024 * 1024 + 1))],
  ])('is not read where that is %s', async (name, why, make) => {
    const file = join(folder, name);
    await make(file);
    await expect(readOwnConfig(file, 'main', AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'backup_unreadable',
      message: expect.stringContaining(why),
    });
  });

  describe('in S3', () => {
    const S3 = {
      'repo1-type': 's3',
      'repo1-path': '/shop/',
      'repo1-s3-bucket': 'backups',
      'repo1-s3-endpoint': 's3.eu-west-3.amazonaws.com',
      'repo1-s3-region': 'eu-west-3',
      'repo1-s3-key': 'AKIAKEY',
      'repo1-s3-key-secret': 'a/secret',
    };
    const inS3 = (over: Readonly<Record<string, string | undefined>> = {}) => {
      const pairs = Object.entries({ ...S3, ...over }).filter(([, value]) => value !== undefined);
      return config(`[global]\n${pairs.map(([key, value]) => `${key}=${value}`).join('\n')}\n`);
    };

    it('is opened with the keys of that, which no record shows', async () => {
      const place = await inS3();
      expect(place).toMatchObject({
        type: 's3',
        bucket: 'backups',
        prefix: 'shop',
        connection: {
          endpoint: 'https://s3.eu-west-3.amazonaws.com',
          region: 'eu-west-3',
          pathStyle: false,
        },
      });
      expect(JSON.stringify(place)).not.toMatch(/AKIAKEY|a\/secret/);
      expect(place.type === 's3' && (await place.connection.credentials?.())).toEqual({
        accessKeyId: 'AKIAKEY',
        secretAccessKey: 'a/secret',
      });
    });

    it.each([
      [{ 'repo1-s3-uri-style': 'path' }, { pathStyle: true }],
      [{ 'repo1-storage-port': '9000' }, { endpoint: 'https://s3.eu-west-3.amazonaws.com:9000' }],
      [{ 'repo1-storage-host': 'minio:9000' }, { endpoint: 'https://minio:9000' }],
      [{ 'repo1-s3-endpoint': 'http://127.0.0.1:7070' }, { endpoint: 'http://127.0.0.1:7070' }],
    ])('is reached with %o', async (over, connection) => {
      expect(await inS3(over)).toMatchObject({ connection });
    });

    it('is opened with what AWS finds by itself where that names no keys', async () => {
      const place = await inS3({ 'repo1-s3-key': undefined });
      expect(place.type === 's3' && place.connection.credentials).toBeUndefined();
    });

    it.each(['bucket', 'endpoint', 'region'])('is not found without its %s', async (key) => {
      await expect(inS3({ [`repo1-s3-${key}`]: undefined })).rejects.toMatchObject({
        code: 'backup_unreadable',
        message: expect.stringContaining(`repo1-s3-${key}`),
      });
    });
  });
});
