import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createS3Repository, readAgeKeys, type S3RepositoryOptions, selectBackup } from '@muster/backups';
import { newDrillId } from '@muster/core';
import { type Artefact, type Examined, engineOf } from '@muster/engines';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { plainDump } from '../support/plain-dump.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { canServeS3, S3_KEY, type S3Server, s3Server } from '../support/s3-server.ts';

const BUCKET = 'back-ups';
const { signal } = new AbortController();
const engine = engineOf('postgres');
const QUICK = {
  timing: { attempt: 2_000, backoff: [10, 20] },
  stall: 300,
  again: [10, 20, 40],
} as const;

const GLOBALS = `--
-- PostgreSQL database cluster dump
--

CREATE ROLE reader;

--
-- PostgreSQL database cluster dump complete
--
`;

const fixture = (name: string): Promise<Buffer> =>
  readFile(new URL(`../../packages/engines/src/postgres/format/fixtures/${name}`, import.meta.url));
const hexOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.runIf(canServeS3())('backups in S3', () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let custom: Buffer;
  let prefix: string;
  let count = 0;
  beforeAll(async () => {
    custom = await fixture('17.custom');
    server = await s3Server({ versions: false });
    await server.makeBucket(BUCKET);
  });
  afterAll(() => server?.close());
  beforeEach(async () => {
    count += 1;
    prefix = `prod/${count}`;
    proxy = await s3Proxy(server.endpoint);
  });
  afterEach(() => proxy.close());

  const put = (name: string, body: Uint8Array | string, more: object = {}) =>
    server.client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${name}`, Body: body, ...more }),
    );
  const at = (options: Partial<S3RepositoryOptions> = {}) =>
    createS3Repository({
      bucket: BUCKET,
      prefix,
      connection: { endpoint: proxy.endpoint, credentials: async () => S3_KEY },
      match: undefined,
      engine,
      bounds: QUICK,
      ...options,
    });
  const ids = async (options?: Partial<S3RepositoryOptions>): Promise<readonly string[]> =>
    (await at(options).list(signal)).map(({ id }) => id);
  const newest = async (options?: Partial<S3RepositoryOptions>) => {
    const repository = at(options);
    const asking = { drillId: newDrillId(new Date()), location: repository.location, now: new Date() };
    return selectBackup(await repository.list(signal), { kind: 'latest' }, asking).newest;
  };
  const artefactOf = async (options?: Partial<S3RepositoryOptions>): Promise<Artefact> => {
    const { artefact } = await newest(options);
    if (artefact.form === 'remote') throw new Error('a directory');
    return artefact;
  };
  const examine = async (artefact: Artefact, contentLimitBytes = 1e9): Promise<Examined> => {
    const facts = await engine.identify(artefact, signal);
    return engine.examine(artefact, facts, { onBytes: () => undefined, contentLimitBytes }, signal);
  };
  /** The reason that all of it comes to. */
  const reasonOf = async (options?: Partial<S3RepositoryOptions>): Promise<string> => {
    try {
      return (await examine(await artefactOf(options))).fault?.code ?? 'whole';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  };
  const messageOf = async (act: Promise<unknown>): Promise<string> =>
    act.then(
      () => '',
      (error: Error) => error.message,
    );

  describe('are listed', () => {
    it('with the globals of their cluster, encrypted as they are', async () => {
      const identity = await generateX25519Identity();
      const encrypter = new Encrypter();
      encrypter.addRecipient(await identityToRecipient(identity));
      await put('a.dump', custom);
      await put('cluster.sql.age', await encrypter.encrypt(Buffer.from(GLOBALS)));
      const keys = async () => readAgeKeys(identity);
      const [backup, ...others] = await at({ match: '*.dump', keys }).list(signal);
      expect(others).toEqual([]);
      expect(backup?.globals).toBeUndefined();
      const [, unmatched] = await at({ keys }).list(signal);
      expect(unmatched).toBeUndefined();
      await put('a.globals.sql.age', await encrypter.encrypt(Buffer.from(GLOBALS)));
      const [{ globals } = {}] = await at({ match: '*.dump', keys }).list(signal);
      expect(globals?.location).toBe(`s3://${BUCKET}/${prefix}/a.globals.sql.age`);
      if (globals === undefined) return;
      expect(await engine.identify(globals.artefact, signal)).toMatchObject({
        format: 'globals+age',
        globals: true,
      });
      expect((await examine(globals.artefact)).fault).toBeUndefined();
    });

    it('by their names below the prefix, without what is half-written, beside them or hidden', async () => {
      await put('a.dump', custom);
      for (const name of ['b.dump.tmp', '.c.dump', 'a.dump.sha256', 'README.md', 'folder/'])
        await put(name, name.endsWith('/') ? '' : 'x');
      await server.client.send(
        new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}0/other.dump`, Body: custom }),
      );
      const [backup, ...others] = await at().list(signal);
      expect(others).toEqual([]);
      expect(backup).toMatchObject({
        id: 'a.dump',
        location: `s3://${BUCKET}/${prefix}/a.dump`,
        createdAtFrom: 'header',
        artefact: { form: 'flow', sizeBytes: custom.length },
        facts: { format: 'custom', major: 17 },
      });
    });

    it('with a dump of several files as one, which has all their bytes', async () => {
      await put('nightly/toc.dat', 'PGDMP');
      await put('nightly/3001.dat.gz', 'xyz');
      await put('unfinished/3001.dat.gz', 'x');
      const [backup, ...others] = await at().list(signal);
      expect(others).toEqual([]);
      expect(backup).toMatchObject({ id: 'nightly', artefact: { form: 'remote', sizeBytes: 8 } });
    });

    it('but none where the prefix is that of a dump of mongodump itself', async () => {
      const mongodb = { engine: engineOf('mongodb') };
      const holder = `such as s3://${BUCKET}/prod.`;
      await put('shop/orders.bson', 'x');
      await put('shop_meta/settings.bson', 'x');
      const apart = await messageOf(ids(mongodb));
      expect(apart).toMatch(/is no directory of backups: its directory shop/);
      expect(apart).toContain(holder);
      await put('prelude.json', '{}');
      expect(await messageOf(ids(mongodb))).toContain(holder);
      expect(await ids({ ...mongodb, prefix: 'prod' })).toContain(String(count));
    });

    it('never while they are uploaded in parts', async () => {
      const Key = `${prefix}/a.dump`;
      const { UploadId } = await server.client.send(
        new CreateMultipartUploadCommand({ Bucket: BUCKET, Key }),
      );
      const part = { Bucket: BUCKET, Key, UploadId, PartNumber: 1, Body: custom };
      await server.client.send(new UploadPartCommand(part));
      expect(await ids()).toEqual([]);
    });

    it('on as many pages as there are', async () => {
      const names = Array.from({ length: 2_100 }, (_, index) => `shop_${String(index).padStart(5, '0')}.sql`);
      for (let start = 0; start < names.length; start += 100)
        await Promise.all(names.slice(start, start + 100).map((name) => put(name, '-- nothing')));
      expect((await ids()).toSorted()).toEqual(names);
    }, 60_000);

    it('by what their header says first, whatever their time', async () => {
      await put('first.dump', custom);
      await put('second.dump', await fixture('15.custom'));
      const backups = await at().list(signal);
      expect(backups.map(({ createdAtFrom }) => createdAtFrom)).toEqual(['header', 'header']);
    });

    it('but none where nothing matches, which says how many there are', async () => {
      await put('a.dump', custom);
      await put('b.dump', custom);
      expect(await ids({ match: 'b.*' })).toEqual(['b.dump']);
      const listing = at({ match: '*.sql' }).list(signal);
      await expect(listing).rejects.toMatchObject({
        code: 'no_backup',
        message: expect.stringMatching(/Of the 2 names in s3:.* none is matched by "\*\.sql"/),
      });
    });

    it('but none under a prefix that is not there', async () => {
      await expect(newest()).rejects.toMatchObject({ code: 'no_backup' });
    });
  });

  it.each<[string, Partial<S3RepositoryOptions>, string, RegExp]>([
    [
      'a wrong secret',
      { connection: { credentials: async () => ({ ...S3_KEY, secretAccessKey: 'wrong-s3cret' }) } },
      'credentials_refused',
      /secret access key is wrong/,
    ],
    [
      'a key that nobody knows',
      { connection: { credentials: async () => ({ ...S3_KEY, accessKeyId: 'WRONGTESTKEY' }) } },
      'credentials_refused',
      /does not know the access key/,
    ],
    ['an absent bucket', { bucket: 'nowhere' }, 'backup_unreadable', /no such bucket.*backup\.location/],
    [
      'a port where nothing listens',
      { connection: { endpoint: 'http://127.0.0.1:1' } },
      'backup_unreadable',
      /nothing listens at/,
    ],
  ])('with %s are an error that says so, and no secret', async (_, options, code, words) => {
    await put('a.dump', custom);
    const connection = { endpoint: proxy.endpoint, credentials: async () => S3_KEY, ...options.connection };
    const listing = at({ ...options, connection }).list(signal);
    await expect(listing).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
    expect(await messageOf(listing)).not.toMatch(/PLANTED-|wrong-s3cret/);
  });

  describe('are read', () => {
    it.each(['17.custom', '17.tar', '15.custom'])('as %s, with the digest of the object', async (name) => {
      const bytes = await fixture(name);
      await put('a', bytes);
      expect(await examine(await artefactOf())).toEqual({
        sha256: `sha256:${hexOf(bytes)}`,
        sizeBytes: bytes.length,
      });
    });

    it('past connections that break again and again, from the byte that was reached', async () => {
      const bytes = zstdCompressSync(
        Buffer.concat([Buffer.from('-- PostgreSQL database dump\n'), randomBytes(900_000)]),
      );
      await put('a.sql.zst', bytes, { ChecksumAlgorithm: 'SHA256' });
      const artefact = await artefactOf();
      if (artefact.form !== 'flow') throw new Error('no flow');
      const before = proxy.count('GET');
      proxy.fate(
        'GET',
        { cut: 100_000 },
        'reset',
        { cut: 1 },
        { status: 503, code: 'SlowDown' },
        'halt',
        { cut: 300_000 },
        'pass',
      );
      const flow = artefact.open(signal);
      const read = Buffer.concat(await Array.fromAsync(flow.content as AsyncIterable<Buffer>));
      expect(hexOf(read)).toBe(hexOf(bytes));
      expect(await flow.stored()).toEqual({ sha256: `sha256:${hexOf(bytes)}`, sizeBytes: bytes.length });
      expect(proxy.count('GET') - before).toBe(7);
      flow.close();
    });

    it('never for ever where no more bytes come', async () => {
      await put('a.dump', custom);
      const artefact = await artefactOf();
      const { facts } = await newest();
      if (facts === undefined) throw new Error('no facts');
      proxy.fate('GET', { cut: 1_000 }, 'reset');
      await expect(
        engine.examine(artefact, facts, { onBytes: () => undefined }, signal),
      ).rejects.toMatchObject({ code: 'backup_unreadable' });
    });

    it.each(['SHA256', 'CRC32', 'CRC32C', 'SHA1', 'CRC64NVME'] as const)(
      'where the storage answers with another byte than it has a %s of, as checksum_mismatch',
      async (ChecksumAlgorithm) => {
        // Nothing but the checksum can tell a value of a plain dump from another.
        const plain = Buffer.from(plainDump("INSERT INTO people VALUES ('somebody');"));
        await put('a.sql', plain, { ChecksumAlgorithm });
        const artefact = await artefactOf();
        const facts = await engine.identify(artefact, signal);
        const found = () =>
          engine.examine(artefact, facts, { onBytes: () => undefined, contentLimitBytes: 1e9 }, signal);
        proxy.fate('GET', { flip: plain.indexOf('somebody') });
        expect((await found()).fault).toMatchObject({ code: 'checksum_mismatch' });
        proxy.fate('GET', 'pass');
        expect((await found()).fault).toBeUndefined();
      },
    );

    it('against the digest that lies beside them', async () => {
      await put('a.dump', custom);
      await put('a.dump.sha256', `${hexOf(custom)}  a.dump\n`);
      expect(await reasonOf()).toBe('whole');
      await put('a.dump.sha256', `${hexOf(Buffer.from('other'))}  a.dump\n`);
      expect(await reasonOf()).toBe('checksum_mismatch');
    });

    it('as changed, where they were written again since they were listed', async () => {
      await put('a.dump', custom);
      const artefact = await artefactOf();
      await put('a.dump', await fixture('15.custom'));
      await expect(examine(artefact)).rejects.toMatchObject({ code: 'backup_changed' });
    });

    it('as removed, where they are gone since they were listed', async () => {
      await put('a.dump', custom);
      const artefact = await artefactOf();
      await server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: `${prefix}/a.dump` }));
      await expect(examine(artefact)).rejects.toMatchObject({
        code: 'backup_changed',
        message: expect.stringContaining('was removed after it had been listed'),
      });
    });

    it('not while they are in an archive, which says what to do', async () => {
      await put('a.dump', custom);
      const artefact = await artefactOf();
      proxy.fate('GET', { status: 403, code: 'InvalidObjectState' });
      await expect(examine(artefact)).rejects.toMatchObject({
        code: 'backup_archived',
        message: expect.stringContaining('restore it from there first'),
      });
    });

    it('as truncated, where a zstd is cut', async () => {
      const sql = Buffer.from(
        '-- PostgreSQL database dump\n-- Dumped from database version 17.6\n-- Dumped by pg_dump version 17.6\n',
      );
      const whole = zstdCompressSync(Buffer.concat([sql, randomBytes(300_000)]));
      await put('a.sql.zst', whole.subarray(0, 200_000));
      expect(await reasonOf()).toBe('truncated');
    });

    it('no further than a scratch could hold', async () => {
      const sql = Buffer.from(
        '-- PostgreSQL database dump\n-- Dumped from database version 17.6\n-- Dumped by pg_dump version 17.6\n',
      );
      const bomb = zstdCompressSync(Buffer.concat([sql, Buffer.alloc(64 * 1024 * 1024)]));
      expect(bomb.length).toBeLessThan(20_000);
      await put('a.sql.zst', bomb);
      const { fault, sha256 } = await examine(await artefactOf(), 10_000_000);
      expect(fault?.code).toBe('output_limit');
      expect(sha256).toBe(`sha256:${hexOf(bomb)}`);
    });
  });

  describe('that are a directory', () => {
    const FETCHING = { mostBytes: 1e9, recoverTo: { kind: 'latest' }, onBytes: () => undefined } as const;
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'muster-spool-'));
    });
    afterEach(() => rm(folder, { recursive: true }));
    const fetched = async () => {
      const { artefact } = await newest();
      if (artefact.form !== 'remote') throw new Error('no directory');
      return artefact.fetch(folder, FETCHING, signal);
    };

    it('are fetched, past connections that break', async () => {
      const member = randomBytes(400_000);
      await put('nightly/toc.dat', 'PGDMP');
      await put('nightly/3001.dat', member);
      proxy.fate('GET', 'pass', 'pass', { cut: 3 }, { cut: 100_000 }, 'pass');
      const { path, sizeBytes } = await fetched();
      expect(sizeBytes).toBe(400_005);
      expect((await readdir(path)).toSorted()).toEqual(['3001.dat', 'toc.dat']);
      expect(hexOf(await readFile(join(path, '3001.dat')))).toBe(hexOf(member));
    });

    it('of another checksum than the storage keeps are a checksum_mismatch', async () => {
      await put('nightly/toc.dat', 'PGDMP', { ChecksumAlgorithm: 'CRC32' });
      const { artefact } = await newest();
      proxy.fate('GET', 'pass', { flip: 0 });
      await mkdir(join(folder, 'x'));
      const fetching = artefact.form === 'remote' && artefact.fetch(join(folder, 'x'), FETCHING, signal);
      await expect(fetching).rejects.toMatchObject({ code: 'checksum_mismatch' });
    });
  });

  describe('that are encrypted with age', () => {
    const encrypted = async (bytes: Uint8Array, to: (encrypter: Encrypter) => void): Promise<Buffer> => {
      const encrypter = new Encrypter();
      to(encrypter);
      return Buffer.from(await encrypter.encrypt(bytes));
    };
    const opened = (secret: string) => ({ keys: async () => readAgeKeys(secret) });
    let identity: string;
    let sealed: Buffer;
    beforeAll(async () => {
      identity = await generateX25519Identity();
      const recipient = await identityToRecipient(identity);
      sealed = await encrypted(custom, (encrypter) => encrypter.addRecipient(recipient));
    });

    it('are opened by an identity, and their digest is that of the object', async () => {
      await put('a.dump.age', sealed, { ChecksumAlgorithm: 'CRC64NVME' });
      const options = opened(`# created: 2026-11-20\n# public key: age1\n${identity}\n`);
      const { facts, createdAtFrom } = await newest(options);
      expect([facts?.format, createdAtFrom]).toEqual(['custom+age', 'header']);
      expect(await examine(await artefactOf(options))).toEqual({
        sha256: `sha256:${hexOf(sealed)}`,
        sizeBytes: sealed.length,
      });
    });

    it('are opened by a passphrase, once they are drilled', async () => {
      const words = await encrypted(custom, (encrypter) => {
        encrypter.setPassphrase('correct horse');
        encrypter.setScryptWorkFactor(10);
      });
      await put('a.dump.age', words);
      expect((await newest(opened('correct horse'))).facts).toBeUndefined();
      expect(await reasonOf(opened('correct horse'))).toBe('whole');
      expect(await reasonOf(opened('wrong horse'))).toBe('decrypt_failed');
    });

    it.each<[string, () => Promise<string> | string]>([
      ['another identity', () => generateX25519Identity()],
      ['a passphrase where there is none', () => 'correct horse'],
      ['what is no key at all', () => 'two\nlines'],
    ])('are not opened by %s', async (_, secret) => {
      await put('a.dump.age', sealed);
      expect(await reasonOf(opened(await secret()))).toBe('decrypt_failed');
    });

    it('and nothing opens them say so, and are not passed over', async () => {
      await put('plain.dump', await fixture('15.custom'));
      await put('shop_20990101T000000Z.dump.age', sealed);
      expect(await ids()).toContain('shop_20990101T000000Z.dump.age');
      await rm(join(server.directory, BUCKET, prefix, 'plain.dump'));
      expect(await reasonOf()).toBe('decrypt_failed');
    });

    it('do not ask for more work than is done', async () => {
      const words = await encrypted(custom, (encrypter) => {
        encrypter.setPassphrase('correct horse');
        encrypter.setScryptWorkFactor(10);
      });
      await put(
        'a.dump.age',
        Buffer.concat([
          Buffer.from(words.toString('latin1').replace(/(-> scrypt \S+) 10\n/, '$1 21\n'), 'latin1'),
        ]),
      );
      const artefact = await artefactOf(opened('correct horse'));
      await expect(examine(artefact)).rejects.toMatchObject({
        code: 'decrypt_failed',
        message: expect.stringMatching(/work factor of 21/),
      });
    });

    it.each<[string, (bytes: Buffer) => Buffer, string]>([
      ['cut in the middle', (bytes) => bytes.subarray(0, 100_000), 'truncated'],
      ['cut between two pieces', (bytes) => bytes.subarray(0, bytes.length - 65_552), 'truncated'],
      ['cut in their header', (bytes) => bytes.subarray(0, 60), 'truncated'],
      ['with another bit in the middle', (bytes) => flipped(bytes, 70_000), 'corrupt'],
      ['with another bit in the last piece', (bytes) => flipped(bytes, bytes.length - 9), 'corrupt'],
      ['with another bit in their header', (bytes) => flipped(bytes, bytes.indexOf('\n---') + 8), 'corrupt'],
    ])('%s are what that is', async (_, damage, reason) => {
      const recipient = await identityToRecipient(identity);
      const whole = Buffer.concat([custom, randomBytes(4 * 65_536 - custom.length)]);
      const large = await encrypted(whole, (encrypter) => encrypter.addRecipient(recipient));
      const damaged = damage(large);
      await put('a.dump.age', damaged);
      expect(await reasonOf(opened(identity))).toBe(reason);
    });
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
