import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { SourceKind } from '@muster/core';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DrillProject, drillProject } from '../support/drill-project.ts';
import { type DumpServer, dumpServer, fillSample } from '../support/dumps.ts';
import { eventually } from '../support/eventually.ts';
import { IMAGES } from '../support/images.ts';
import { canRunIn, canRunMongo } from '../support/needs.ts';
import { requirement } from '../support/requirement.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { canServeS3, S3_ENV, S3_KEY, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';
import type { TestChecks } from '../support/source-text.ts';

const SHARED = join(process.cwd(), '../shared/data/mongodump');
const samples = requirement(
  'mongodump-samples',
  existsSync(SHARED),
  `there are no sample dumps in ${SHARED}`,
);
const BUCKET = 'back-ups';
const hexOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.runIf(canServeS3() && canRunIn('docker'))('a drill of a backup in S3', () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let project: DrillProject | undefined;
  let folder: string;
  let made: DumpServer;
  let prefix: string;
  let count = 0;
  beforeAll(async () => {
    server = await s3Server({ versions: false });
    await server.makeBucket(BUCKET);
    folder = await mkdtemp(join(tmpdir(), 'muster-s3-drill-'));
    made = await dumpServer(15);
    await fillSample(made, 'sample');
  });
  afterAll(async () => {
    await made?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    count += 1;
    prefix = `prod/${count}`;
    proxy = await s3Proxy(server.endpoint);
  });
  afterEach(async () => {
    const left = await project?.leftovers();
    await project?.remove();
    project = undefined;
    await proxy.close();
    expect(left ?? []).toEqual([]);
  });

  const put = (name: string, Body: Uint8Array) =>
    server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${name}`, Body }));
  const given = async (
    kind: SourceKind,
    checks: TestChecks,
    { decrypt = '', source = [] as readonly string[] } = {},
  ): Promise<DrillProject> => {
    const backup = `backup: { type: dump, location: "s3://${BUCKET}/${prefix}/", s3: ${s3Access(proxy.endpoint)}${decrypt} }`;
    project = await drillProject({ isolation: 'docker', kind, checks, source: [backup, ...source] });
    return project;
  };
  const drill = async (
    kind: SourceKind,
    checks: TestChecks,
    { env = {}, ...options }: { decrypt?: string; source?: readonly string[]; env?: object } = {},
  ) => (await given(kind, checks, options)).drill([], { ...S3_ENV, ...env });

  describe('of PostgreSQL', () => {
    const CHECKS: TestChecks = { items: ['SELECT COUNT(*) AS n FROM shop.item', 'n == 2008'] };
    const dumped = async (format: 'custom' | 'tar' | 'directory' | 'plain'): Promise<string> => {
      const path = join(made.dir, `${format}-${count}`);
      await made.dump('sample', format, path);
      return path;
    };
    const whole = (bytes: Uint8Array, name: string, format: string) => ({
      exitCode: 0,
      predicate: {
        result: 'pass',
        backup: {
          id: name,
          format,
          sha256: `sha256:${hexOf(bytes)}`,
          size_bytes: bytes.length,
          location: `s3://${BUCKET}/${prefix}/${name}`,
        },
      },
    });

    it.each([
      ['custom', 'custom', 'a.dump', (bytes: Buffer) => bytes],
      ['tar', 'tar', 'a.tar', (bytes: Buffer) => bytes],
      ['plain+gzip', 'plain', 'a.sql.gz', (bytes: Buffer) => gzipSync(bytes)],
      ['plain+zstd', 'plain', 'a.sql.zst', (bytes: Buffer) => zstdCompressSync(bytes)],
    ] as const)(
      '%s passes, past broken connections, and its digest is that of the object',
      async (says, format, name, wrap) => {
        const bytes = wrap(await readFile(await dumped(format)));
        await put(name, bytes);
        // The list, its head, and then the reading.
        proxy.fate('GET', 'pass', 'pass', { cut: 10_000 }, 'reset', { cut: 5_000 }, { status: 500 }, 'pass');
        const drilled = await drill('postgres', CHECKS);
        expect(drilled).toMatchObject(whole(bytes, name, says));
        expect(proxy.count('GET')).toBeGreaterThanOrEqual(7);
        const text = JSON.stringify(drilled.statement) + drilled.stderr + drilled.stdout;
        expect(text).not.toContain(S3_KEY.secretAccessKey);
        expect(text).not.toContain(S3_KEY.accessKeyId);
      },
    );

    it('directory passes, once it was fetched, and nothing of it stays', async () => {
      await server.putAll(BUCKET, `${prefix}/nightly`, await dumped('directory'));
      proxy.fate('GET', 'pass', 'pass', { cut: 100 }, { cut: 7 }, 'pass');
      const drilled = await drill('postgres', CHECKS);
      expect(drilled).toMatchObject({
        exitCode: 0,
        predicate: {
          result: 'pass',
          backup: { id: 'nightly', format: 'directory', created_at_from: 'header' },
        },
      });
      expect(drilled.predicate?.phases.map(({ name }) => name)).toContain('fetch');
    });

    it('directory that was half fetched when its worker was killed is removed by the next', async () => {
      await server.putAll(BUCKET, `${prefix}/nightly`, await dumped('directory'));
      const { start, folder: here } = await given('postgres', CHECKS);
      const spooled = async () => {
        const spool = join(here, 'state', 'spool');
        const found = await readdir(spool, { recursive: true }).catch(() => []);
        return found.filter((path) => path.includes('nightly/'));
      };
      // The list, that of its members, and then they.
      proxy.fate('GET', 'pass', 'pass', 'halt');
      const { child, ended } = start([], S3_ENV);
      await eventually('something is half fetched', async () => (await spooled()).length > 0);
      child.kill('SIGKILL');
      await ended;
      expect(await spooled()).not.toEqual([]);
      proxy.fate('GET', 'pass');
      expect(await start([], S3_ENV).ended).toMatchObject({ exitCode: 0 });
      expect(await spooled()).toEqual([]);
    });

    it('directory larger than its scratch is not fetched', async () => {
      await server.putAll(BUCKET, `${prefix}/nightly`, await dumped('directory'));
      const drilled = await drill('postgres', CHECKS, { source: ['scratch: { disk: 1KiB }'] });
      expect(drilled.predicate).toMatchObject({ result: 'error', reason: 'scratch_disk_full' });
    });

    it('custom inside of age passes with its identity, and is an error with another', async () => {
      const identity = await generateX25519Identity();
      const encrypter = new Encrypter();
      encrypter.addRecipient(await identityToRecipient(identity));
      const bytes = Buffer.from(await encrypter.encrypt(await readFile(await dumped('custom'))));
      await put('a.dump.age', bytes);
      const decrypt = ', decrypt: { age: env:AGE_KEY }';
      const right = await drill('postgres', CHECKS, { decrypt, env: { AGE_KEY: identity } });
      expect(right).toMatchObject(whole(bytes, 'a.dump.age', 'custom+age'));
      expect(JSON.stringify(right.statement) + right.stderr).not.toContain(identity);
      const AGE_KEY = await generateX25519Identity();
      const wrong = await project?.drill([], { ...S3_ENV, AGE_KEY });
      expect(wrong?.predicate).toMatchObject({ result: 'error', reason: 'decrypt_failed' });
    });

    it('cut short fails as truncated, and its receipt has the digest of what there is', async () => {
      const bytes = zstdCompressSync(await readFile(await dumped('plain'))).subarray(0, -1_000);
      await put('a.sql.zst', bytes);
      const drilled = await drill('postgres', CHECKS);
      expect(drilled.predicate).toMatchObject({
        result: 'fail',
        reason: 'truncated',
        backup: { sha256: `sha256:${hexOf(bytes)}` },
      });
    });

    it('that expands without an end is an error', async () => {
      const plain = await readFile(await dumped('plain'));
      const head = plain.subarray(0, plain.indexOf('\nSET '));
      const bomb = Buffer.concat([
        head,
        Buffer.alloc(700 * 2 ** 20, `\nSELECT 1 /* ${'a'.repeat(2 ** 20)} */;`),
      ]);
      await put('a.sql.zst', zstdCompressSync(bomb));
      const drilled = await drill('postgres', CHECKS, { source: ['scratch: { disk: 64MiB }'] });
      expect(drilled.predicate).toMatchObject({ result: 'error', reason: 'output_limit' });
    });
  });

  describe.runIf(samples && canRunMongo('docker'))('of MongoDB', () => {
    const CHECKS: TestChecks = {
      orders: [{ database: 'shop', collection: 'orders', filter: {} }, 'n == 3000'],
    };
    const source = [`image: ${IMAGES.mongo}`];

    it('as an archive in gzip passes', async () => {
      const bytes = await readFile(join(SHARED, 'shop.archive.gz'));
      await put('shop.archive.gz', bytes);
      proxy.fate('GET', 'pass', 'pass', { cut: 10_000 }, 'pass');
      expect(await drill('mongodb', CHECKS, { source })).toMatchObject({
        exitCode: 0,
        predicate: { backup: { format: 'archive+gzip', sha256: `sha256:${hexOf(bytes)}` } },
      });
    });

    it('as a directory passes, once it was fetched', async () => {
      await server.putAll(BUCKET, `${prefix}/nightly`, join(SHARED, 'dump'));
      expect(await drill('mongodb', CHECKS, { source })).toMatchObject({
        exitCode: 0,
        predicate: { backup: { id: 'nightly', format: 'mongodump-directory' } },
      });
    });
  });
});
