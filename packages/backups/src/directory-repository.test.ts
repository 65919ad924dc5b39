import { appendFile, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MusterError, type SourceKind } from '@muster/core';
import { engineOf } from '@muster/engines';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackupReader } from './describe-backups.js';
import { createDirectoryRepository } from './directory-repository.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-backups-'));
});
afterEach(() => rm(directory, { recursive: true }));

const signal = AbortSignal.timeout(10_000);

/** Knows a dump by its name, so that these tests need no real ones. */
const identify: BackupReader['identify'] = async (artefact) => {
  if (artefact.name.startsWith('globals')) throw new MusterError('unsupported_dump', 'a cluster script');
  if (artefact.name.startsWith('broken')) throw new MusterError('not_a_dump', 'not a dump');
  if (/(?:^|[._])(?:roles|cluster)/.test(artefact.name))
    return { format: 'globals', major: 0, globals: true, databases: [] };
  return { format: 'custom', major: 17, databases: ['shop'] };
};

async function put(name: string, minutesAgo: number): Promise<void> {
  const path = join(directory, name);
  await writeFile(path, name);
  const at = new Date(Date.now() - minutesAgo * 60_000);
  await utimes(path, at, at);
}

const readerOf = (kind: SourceKind): BackupReader => ({ ...engineOf(kind), identify });

const backupsOf = (kind: SourceKind, match?: string) =>
  createDirectoryRepository({ directory, match, engine: readerOf(kind) }).list(signal);
const list = async (match?: string, kind: SourceKind = 'postgres') =>
  (await backupsOf(kind, match)).map((backup) => backup.id);

describe('a directory of backups', () => {
  it('lists the newest first', async () => {
    await put('a.dump', 30);
    await put('b.dump', 10);
    await put('c.dump', 20);
    expect(await list()).toEqual(['b.dump', 'c.dump', 'a.dump']);
  });

  it('lists a damaged newest file, so that it is found out and not skipped', async () => {
    await put('a.dump', 30);
    await put('broken.dump', 10);
    expect(await list()).toEqual(['broken.dump', 'a.dump']);
  });

  it('leaves out half-written, hidden and accompanying files', async () => {
    await put('a.dump', 30);
    for (const name of ['b.dump.tmp', '.c.dump', 'a.dump.sha256', 'dump.log', 'README.md'])
      await put(name, 1);
    expect(await list()).toEqual(['a.dump']);
  });

  it.each(['a.dump', 'dump.d'])('that is itself a backup (%s) is no evidence against it', async (name) => {
    await put('a.dump', 30);
    await mkdir(join(directory, 'dump.d'));
    await put('dump.d/toc.dat', 30);
    const { list } = createDirectoryRepository({
      directory: join(directory, name),
      match: undefined,
      engine: readerOf('postgres'),
    });
    await expect(list(signal)).rejects.toMatchObject({
      code: 'backup_unreadable',
      message: expect.stringContaining(`such as ${directory}.`),
    });
  });

  it('that is itself what mongodump --out wrote is no evidence against it', async () => {
    await mkdir(join(directory, 'shop'));
    await put('shop/orders.bson', 10);
    await put('prelude.json', 10);
    await expect(list(undefined, 'mongodb')).rejects.toMatchObject({ code: 'backup_unreadable' });
  });

  describe.each([[['shop', 'shop_meta']], [['shop']]])(
    'that is itself what mongodump --out wrote, without a prelude.json, of %j',
    (databases) => {
      it.each([undefined, 'shop*'])('is no evidence against it, whatever the pattern (%s)', async (match) => {
        for (const [index, name] of databases.entries()) {
          await mkdir(join(directory, name));
          await put(`${name}/orders.bson`, 10 + index);
          await put(`${name}/orders.metadata.json`, 10 + index);
        }
        await put('dump.log', 1);
        await expect(list(match, 'mongodb')).rejects.toMatchObject({
          code: 'backup_unreadable',
          message: expect.stringMatching(
            new RegExp(
              `^${directory} is no directory of backups: its directory shop is .* such as ${dirname(directory)}\\.$`,
            ),
          ),
        });
      });
    },
  );

  it('takes directories of one database for its backups where their names, or those they are linked to, have a date', async () => {
    for (const name of ['shop_20261119', 'shop_20261120']) {
      await mkdir(join(directory, name));
      await put(`${name}/orders.bson`, 10);
    }
    await symlink(join(directory, 'shop_20261120'), join(directory, 'latest'));
    expect((await list(undefined, 'mongodb')).toSorted()).toEqual([
      'latest',
      'shop_20261119',
      'shop_20261120',
    ]);
  });

  it('does not mind the database of another dump that the pattern leaves out', async () => {
    await mkdir(join(directory, 'shop'));
    await put('shop/orders.bson', 10);
    await put('shop.archive', 10);
    expect(await list('*.archive', 'mongodb')).toEqual(['shop.archive']);
  });

  it('takes only what the pattern matches', async () => {
    await put('prod_1.dump', 30);
    await put('stage_1.dump', 10);
    await put('broken.txt', 5);
    expect(await list('prod_*.dump')).toEqual(['prod_1.dump']);
    expect(await list('*.txt')).toEqual(['broken.txt']);
  });

  it('takes a directory for a dump only once its table of contents is written', async () => {
    await mkdir(join(directory, 'unfinished'));
    await writeFile(join(directory, 'unfinished', '3001.dat.gz'), 'x');
    await mkdir(join(directory, 'finished'));
    await writeFile(join(directory, 'finished', 'toc.dat'), 'PGDMP');
    expect(await list()).toEqual(['finished']);
  });

  it('takes a directory for a dump of mongodump by the files of its databases', async () => {
    await mkdir(join(directory, 'whole', 'shop'), { recursive: true });
    await put('whole/shop/orders.bson.gz', 20);
    await put('whole/shop/orders.metadata.json.gz', 10);
    await mkdir(join(directory, 'shop-2026-11-20'));
    await put('shop-2026-11-20/orders.bson', 30);
    await mkdir(join(directory, 'empty', 'shop'), { recursive: true });
    await put('empty/prelude.json', 40);
    await mkdir(join(directory, 'postgres'));
    await put('postgres/toc.dat', 5);
    await put('shop.archive', 50);
    expect((await list(undefined, 'mongodb')).toSorted()).toEqual([
      'empty',
      'shop-2026-11-20',
      'shop.archive',
      'whole',
    ]);
    expect((await list()).toSorted()).toEqual(['postgres', 'shop.archive']);
    const whole = (await backupsOf('mongodb')).find(({ id }) => id === 'whole');
    expect(whole?.artefact).toMatchObject({
      form: 'directory',
      sizeBytes: 'whole/shop/orders.bson.gz'.length + 'whole/shop/orders.metadata.json.gz'.length,
    });
  });

  it('takes a directory to be as old as the newest of its files', async () => {
    await mkdir(join(directory, 'dump', 'shop'), { recursive: true });
    await put('dump/shop/orders.bson', 10);
    const old = new Date(Date.now() - 3_600_000);
    await utimes(join(directory, 'dump'), old, old);
    await put('shop.archive', 20);
    expect(await list(undefined, 'mongodb')).toEqual(['dump', 'shop.archive']);
  });

  it('passes over scripts of the cluster where there are dumps of databases', async () => {
    await put('globals.sql', 1);
    expect(await list()).toEqual(['globals.sql']);
    await put('a.dump', 30);
    expect(await list()).toEqual(['a.dump']);
  });

  it('passes over a dangling link', async () => {
    await symlink(join(directory, 'gone'), join(directory, 'latest.dump'));
    expect(await list()).toEqual([]);
  });

  it('says nothing of the backups where there is no such directory: its volume may not be mounted', async () => {
    await rm(directory, { recursive: true });
    await expect(list()).rejects.toMatchObject({
      code: 'backup_unreadable',
      message: expect.stringContaining('backup.location'),
    });
    await mkdir(directory);
  });
});

describe('a backup that is being written', () => {
  const listWhile = async (write: () => Promise<void>) => {
    const options = { directory, match: undefined, engine: readerOf('postgres') };
    const backups = await createDirectoryRepository({ ...options, pause: write }).list(signal);
    return backups.map(({ id, growing }) => (growing ? `${id} grows` : id));
  };

  it('is told by what it grew between two looks', async () => {
    await put('a.dump', 30);
    await put('b.dump', 0);
    await put('c.dump', 0.5);
    expect(await listWhile(() => appendFile(join(directory, 'b.dump'), 'more'))).toEqual([
      'b.dump grows',
      'c.dump',
      'a.dump',
    ]);
  });

  it('is told in a directory by any of its files', async () => {
    await mkdir(join(directory, 'dump'));
    await put('dump/toc.dat', 1);
    await put('dump/3001.dat', 0);
    expect(await listWhile(() => writeFile(join(directory, 'dump', '3002.dat'), 'x'))).toEqual([
      'dump grows',
    ]);
  });

  it('is not looked for among old ones', async () => {
    await put('a.dump', 2);
    expect(await listWhile(() => Promise.reject(new Error('it waits')))).toEqual(['a.dump']);
  });

  it('is not to be drilled if it is gone by then', async () => {
    await put('a.dump', 30);
    await put('b.dump', 0);
    expect(await listWhile(() => rm(join(directory, 'b.dump')))).toEqual(['b.dump grows', 'a.dump']);
  });
});

describe('what lies beside backups for the whole cluster', () => {
  const pairs = async (match?: string) =>
    Object.fromEntries(
      (await backupsOf('postgres', match)).map(({ id, globals }) => [id, globals?.artefact.name]),
    );

  it('is no backup, whatever it is called, and belongs to all where it names no date', async () => {
    await put('a.dump', 30);
    await put('b.dump', 20);
    await put('roles.sql', 1);
    await put('cluster.sql', 1);
    expect(await pairs()).toEqual({ 'a.dump': 'roles.sql', 'b.dump': 'roles.sql' });
  });

  it('needs not be what match means, and is that of the same name, else of the same run', async () => {
    const run = (day: number) => `202611${day}T030000Z`;
    for (const name of [`shop_${run(10)}.dump`, `shop_${run(11)}.dump`, `shop_${run(12)}.sql.gz`])
      await put(name, 0);
    for (const name of ['roles_20261110T031500Z.sql', 'roles_20261111T024500Z.sql.gz', 'roles.sql'])
      await put(name, 0);
    await put(`shop_${run(12)}.roles.sql`, 0);
    await put('roles_20261112T050000Z.sql', 0);
    expect(await pairs('shop*.{dump,sql.gz}')).toEqual({
      'shop_20261110T030000Z.dump': 'roles_20261110T031500Z.sql',
      'shop_20261111T030000Z.dump': 'roles_20261111T024500Z.sql.gz',
      'shop_20261112T030000Z.sql.gz': 'shop_20261112T030000Z.roles.sql',
    });
  });

  it('and is damaged is not passed over, where its name says what it is', async () => {
    await put('a.dump', 30);
    await put('broken.roles.sql', 1);
    expect(await pairs()).toEqual({ 'a.dump': 'broken.roles.sql' });
    expect(await pairs('*.dump')).toEqual({ 'a.dump': 'broken.roles.sql' });
    expect(await list('*.bson', 'mongodb').catch(({ code }: MusterError) => code)).toBe('no_backup');
  });
});
