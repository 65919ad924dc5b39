import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createDirectoryRepository, describeBackup } from '@muster/backups';
import { type BackupRecord, type FidelityManifest, sha256 } from '@muster/core';
import { engineOf, type FidelityAsked, type LiveDumper, postgresLiveDumper } from '@muster/engines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectOfEachTest } from '../support/drill-project.ts';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { canRunIn } from '../support/needs.ts';
import { canServeS3, S3_ENV, type S3Server, s3Access, s3Server } from '../support/s3-server.ts';
import { never } from '../support/server-bench.ts';
import { takenSource } from '../support/taking.ts';

const drillProject = projectOfEachTest();

const SHOP = `
  CREATE TABLE item (id serial PRIMARY KEY, name text);
  INSERT INTO item (name) SELECT 'secret word ' || n FROM generate_series(1, 1000) n
`;
const ASKED: FidelityAsked = {
  level: 'full',
  budgetMs: 60_000,
  sentinels: [{ table: 'item', key: { id: 7 } }],
};
const LINE = 'fidelity: { level: full, sentinels: [{ table: item, key: { id: 7 } }] }';
const BUCKET = 'back-ups';
const EQUAL = { result: 'pass', fidelity: { verdict: 'equal', level: 'full', compared: { contents: 2 } } };

describe.runIf(canRunIn('bubblewrap'))('the fidelity of a drill', () => {
  let server: DumpServer;
  let uri: string;
  let s3: S3Server | undefined;
  beforeAll(async () => {
    server = await dumpServer(15);
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql('shop', SHOP);
    uri = `postgresql://postgres@/shop?host=${encodeURIComponent(server.dir)}`;
  });
  afterAll(async () => {
    await s3?.close();
    await server?.close();
  });

  const projectOf = (...source: readonly string[]) => drillProject({ isolation: 'bubblewrap', source });
  const recorded = async (): Promise<FidelityManifest> => {
    const facts = await postgresLiveDumper.survey(uri, never());
    const snapshot = await postgresLiveDumper.openSnapshot(uri, facts, never());
    if (snapshot === undefined) throw new Error('there is no snapshot');
    const manifest = await snapshot.record(ASKED, Promise.resolve(), never());
    await snapshot.close();
    return manifest;
  };
  /** A dump of the source as it is now, and a record beside it that says it was as it was then. */
  const dumpWith = async (dumps: string, fidelity: FidelityManifest | undefined): Promise<string> => {
    const path = join(dumps, 'shop.dump');
    await server.dump('shop', 'custom', path);
    const bytes = await readFile(path);
    const record: BackupRecord = {
      type: 'urn:muster:backup:v1',
      source: { slug: 'shop', kind: 'postgres' },
      backup: { id: 'shop.dump', sha256: sha256(bytes), size_bytes: bytes.length, format: 'custom+gzip' },
      ...(fidelity && { fidelity }),
    };
    await writeFile(`${path}.muster.json`, JSON.stringify(record));
    return path;
  };

  /** The line of a source whose backups lie below a prefix. */
  const inS3 = async (prefix: string) => {
    const storage = s3 ?? (await s3Server({ versions: false }));
    if (s3 === undefined) await storage.makeBucket(BUCKET);
    s3 = storage;
    const place = `location: "s3://${BUCKET}/${prefix}/", s3: ${s3Access(storage.endpoint)}`;
    return { storage, source: `backup: { type: dump, ${place} }` };
  };

  it('is equal where a live source is dumped from the moment that was recorded', async () => {
    const { drill } = await projectOf('connection: { uri: env:SHOP_URI }', LINE);
    const drilled = await drill([], { SHOP_URI: uri });
    expect(drilled.predicate).toMatchObject({
      result: 'pass',
      fidelity: { verdict: 'equal', level: 'full', compared: { contents: 2, sequences: 1, sentinels: 1 } },
    });
    expect(drilled.predicate?.phases.map(({ name }) => name)).toContain('compare');
    expect(drilled.stdout).toContain('equal · full · 2 tables, 1000 rows');
  });

  it('is no word of a live source that does not ask for it', async () => {
    const { drill } = await projectOf('connection: { uri: env:SHOP_URI }');
    expect((await drill([], { SHOP_URI: uri })).predicate).not.toHaveProperty('fidelity');
  });

  it('is different, and fails the drill, where a dump brings back less than was recorded, and tells no data', async () => {
    const { dumps, drill, muster, folder } = await projectOf(LINE);
    const before = await recorded();
    await server.sql('shop', `DELETE FROM item WHERE id = 7`);
    await dumpWith(dumps, before);
    const drilled = await drill();
    expect(drilled).toMatchObject({
      exitCode: 1,
      predicate: { result: 'fail', reason: 'fidelity_different' },
    });
    const database = 'shop';
    expect(drilled.predicate?.fidelity?.differences).toEqual([
      { database, what: 'table', name: 'public.item', difference: 'rows', expected: '1000', found: '999' },
      { database, what: 'sentinel', name: 'item', difference: 'missing' },
    ]);
    expect(drilled.stdout).toContain('public.item has 999 rows, not 1000');
    expect(JSON.stringify(drilled.statement)).not.toContain('secret');
    const verified = await muster(['verify', join(folder, 'receipt-1.json')]);
    expect(verified).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('public.item: 999 rows, not 1000'),
    });
  });

  it('is not asked of a record of other bytes: those are not what was taken', async () => {
    const { dumps, drill } = await projectOf(LINE);
    const path = await dumpWith(dumps, await recorded());
    await server.sql('shop', `UPDATE item SET name = 'other' WHERE id = 8`);
    await server.dump('shop', 'custom', path);
    expect((await drill()).predicate).toMatchObject({ result: 'fail', reason: 'checksum_mismatch' });
  });

  it.each([
    ['no record', undefined, 'no_manifest'],
    ['a flood', `[${'[],'.repeat(1e6)}[]]`, 'malformed'],
  ])('is unavailable, and said to be, where there is %s beside the backup', async (_, text, reason) => {
    const { dumps, drill } = await projectOf(LINE);
    await server.dump('shop', 'custom', join(dumps, 'shop.dump'));
    if (text !== undefined) await writeFile(join(dumps, 'shop.dump.muster.json'), text);
    expect((await drill()).predicate).toMatchObject({
      result: 'pass',
      fidelity: { verdict: 'unavailable', reason },
    });
  });

  it('is compared with what `backup manifest` recorded beside a backup that somebody else took, and that is not recorded twice', async () => {
    const { dumps, drill, muster } = await projectOf(
      'connection: { uri: env:SHOP_URI }',
      'backup: { type: dump, location: dumps }',
      LINE,
    );
    await server.dump('shop', 'custom', join(dumps, 'shop.dump'));
    const manifest = () => muster(['backup', 'manifest', '--backup', 'shop.dump'], { SHOP_URI: uri });
    expect(await manifest()).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('shop.dump.muster.json'),
    });
    const record = JSON.parse(await readFile(join(dumps, 'shop.dump.muster.json'), 'utf8')) as BackupRecord;
    expect(record).not.toHaveProperty('take');
    expect(await manifest()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('There is a record'),
    });
    expect((await drill()).predicate).toMatchObject({
      result: 'pass',
      fidelity: { verdict: 'equal', level: 'full', compared: { contents: 2 } },
    });
  });

  it('is compared beside a dump that is a directory, where it lies and as it was copied into object storage', async () => {
    const { dumps, drill, muster } = await projectOf(
      'connection: { uri: env:SHOP_URI }',
      'backup: { type: dump, location: dumps }',
      LINE,
    );
    await server.dump('shop', 'directory', join(dumps, 'shop.dir'));
    expect(await muster(['backup', 'manifest', '--backup', 'shop.dir'], { SHOP_URI: uri })).toMatchObject({
      exitCode: 0,
    });
    expect((await drill()).predicate).toMatchObject({ backup: { format: 'directory' }, ...EQUAL });
    if (!canServeS3()) return;
    const { storage, source } = await inS3('directories');
    await storage.putAll(BUCKET, 'directories', dumps);
    const there = await projectOf(source, LINE);
    const { predicate } = await there.drill([], S3_ENV);
    expect(predicate).toMatchObject({ backup: { format: 'directory' }, ...EQUAL });
  });

  it.runIf(canServeS3())(
    'is compared with a record in object storage, and with none that is of other bytes',
    async () => {
      const { storage, source } = await inS3('files');
      const { folder, drill, muster } = await projectOf('connection: { uri: env:SHOP_URI }', source, LINE);
      const put = async () => {
        const path = join(folder, 'shop.dump');
        await rm(path, { force: true });
        await server.dump('shop', 'custom', path);
        const object = { Bucket: BUCKET, Key: 'files/shop.dump', Body: await readFile(path) };
        await storage.client.send(new PutObjectCommand(object));
      };
      await put();
      const env = { ...S3_ENV, SHOP_URI: uri };
      const manifest = () => muster(['backup', 'manifest', '--backup', 'shop.dump', '--json'], env);
      const told = await manifest();
      expect([told.exitCode, JSON.parse(told.stdout)]).toEqual([
        0,
        expect.objectContaining({ location: `s3://${BUCKET}/files/shop.dump.muster.json`, fidelity: 'full' }),
      ]);
      expect(await manifest()).toMatchObject({ stderr: expect.stringContaining('There is a record') });
      expect((await drill([], env)).predicate).toMatchObject(EQUAL);
      await server.sql('shop', `UPDATE item SET name = 'another' WHERE id = 9`);
      await put();
      expect((await drill([], env)).predicate).toMatchObject({ result: 'fail', reason: 'checksum_mismatch' });
    },
  );

  it('is not recorded beside a backup of what somebody writes to meanwhile', async () => {
    const { dumps } = await projectOf(LINE);
    await server.dump('shop', 'custom', join(dumps, 'shop.dump'));
    const source = takenSource('postgres', LINE, dumps);
    if (source.backup.type !== 'dump') throw new Error('it is a dump');
    const engine = engineOf('postgres');
    const written: LiveDumper['recordQuiet'] = async (...asked) => {
      const recordedThen = await postgresLiveDumper.recordQuiet(...asked);
      await server.sql('shop', `UPDATE item SET name = name || '!' WHERE id = 10`);
      return recordedThen;
    };
    const ports = {
      engine,
      dumper: { ...postgresLiveDumper, recordQuiet: written },
      repository: createDirectoryRepository({ directory: dumps, match: undefined, engine }),
      connection: () => undefined,
    };
    const asked = { source, backup: source.backup, backupId: 'shop.dump', uri };
    await expect(describeBackup(ports, asked, never())).rejects.toMatchObject({
      code: 'source_not_quiet',
      message: expect.stringMatching(/\(public\.item\).* replica whose replay is paused/),
    });
    expect(await readdir(dumps)).toEqual(['shop.dump']);
  });
});
