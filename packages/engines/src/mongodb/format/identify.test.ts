import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isMusterError } from '@muster/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Artefact } from '../../artefact.js';
import {
  archiveOf,
  documentOf,
  type FixtureCollection,
  preludeOf,
  someDocuments,
  writeDirectory,
} from './dump-writer.fixture.js';
import { identify } from './identify.js';

const signal = new AbortController().signal;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-identify-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const file = async (bytes: Buffer | string): Promise<Artefact> => {
  const path = join(dir, 'backup');
  await writeFile(path, bytes);
  return { form: 'file', name: 'backup', path, sizeBytes: Buffer.byteLength(bytes) };
};
const directory = (): Artefact => ({ form: 'directory', name: 'dump', path: dir, sizeBytes: 0 });

const reasonOf = async (artefact: Artefact): Promise<string> => {
  try {
    return (await identify(artefact, signal)).format;
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

const users: FixtureCollection = { database: 'shop', name: 'users', documents: someDocuments(30) };
const settings: FixtureCollection = { database: 'meta', name: 'settings', documents: someDocuments(1) };
const access: FixtureCollection = { database: 'admin', name: 'system.users', documents: someDocuments(1) };
const oplog: FixtureCollection = { database: '', name: 'oplog', documents: someDocuments(1), bare: true };

describe('an archive', () => {
  it.each([
    ['archive', (bytes: Buffer) => bytes],
    ['archive+gzip', gzipSync],
    ['archive+zstd', zstdCompressSync],
  ])('%s', async (format, wrap) => {
    const facts = await identify(await file(wrap(archiveOf([users, settings, access]))), signal);
    expect(facts).toEqual({
      format,
      major: 7,
      serverVersion: '7.0.14',
      toolVersion: '100.10.0',
      databases: ['meta', 'shop'],
      container: 'archive',
      wrapper: format.split('+')[1] ?? 'none',
      hasOplog: false,
    });
  });

  it('tells of its oplog', async () => {
    expect(await identify(await file(archiveOf([users, oplog])), signal)).toMatchObject({ hasOplog: true });
  });

  it('is of version 8 where it does not say', async () => {
    expect((await identify(await file(preludeOf([users], '')), signal)).major).toBe(8);
  });

  it('with many collections is read as far as they are named', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({ database: `d${i % 3}`, name: `c${i}` }));
    expect((await identify(await file(archiveOf(many)), signal)).databases).toEqual(['d0', 'd1', 'd2']);
  });

  it('that is cut in its prelude is truncated', async () => {
    const prelude = preludeOf([users]);
    const reasons = new Set<string>();
    for (let length = 1; length < prelude.length; length += 7)
      reasons.add(await reasonOf(await file(prelude.subarray(0, length))));
    expect([...reasons]).toEqual(['truncated']);
    expect(await reasonOf(await file(gzipSync(prelude).subarray(0, 60)))).toBe('truncated');
  });

  it('whose prelude is damaged is corrupt', async () => {
    for (const [from, to] of [
      ['"collectionName":"users"', '"collectionName":"us3rs"'],
      ['"indexes":[{', '"indexes":[[{'],
      ['metadata\0', 'metad4ta\0'],
    ] as const) {
      const damaged = Buffer.from(
        preludeOf([users]).toString('latin1').replace(from, to.slice(0, from.length)),
        'latin1',
      );
      expect(await reasonOf(await file(damaged))).toBe('corrupt');
    }
    const format = Buffer.from(preludeOf([users]).toString('latin1').replace('0.1\0', '1.0\0'), 'latin1');
    expect(await reasonOf(await file(format))).toBe('version_unavailable');
  });
});

describe('an archive that lies', () => {
  it.each([
    ['../etc', 'orders'],
    ['sh.op', 'orders'],
    ['', 'orders'],
    ['a b', 'orders'],
    ['d'.repeat(256), 'orders'],
    ['shop', 'a\0b'],
    ['shop', 'c'.repeat(256)],
  ])('of names that no server has (%j, %j) is corrupt', async (database, name) => {
    expect(await reasonOf(await file(archiveOf([{ database, name }])))).toBe('corrupt');
  });

  it('with metadata that swell in memory is not read', async () => {
    const options = { validator: Array.from({ length: 250_000 }, () => ({})) };
    const swollen = gzipSync(archiveOf([{ ...users, options }]));
    expect(swollen.length).toBeLessThan(10_000);
    expect(await reasonOf(await file(swollen))).toBe('backup_unreadable');
  });

  it('with metadata that swell together is not read', async () => {
    // A comma is counted wherever it stands.
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        database: 'shop',
        name: `c${i}`,
        options: { validator: ','.repeat(190_000) },
      }));
    expect(await reasonOf(await file(archiveOf(many(50))))).toBe('backup_unreadable');
    expect(await identify(await file(archiveOf(many(20))), signal)).toMatchObject({ databases: ['shop'] });
  });

  it.each(['local', 'config'])('with nothing but what is not restored (%s) is empty', async (database) => {
    expect(await reasonOf(await file(archiveOf([{ ...users, database }])))).toBe('empty');
    await writeDirectory(dir, [{ ...users, database }]);
    expect(await reasonOf(directory())).toBe('empty');
  });
});

describe('a file that is none', () => {
  it.each([
    ['empty', ''],
    ['empty', gzipSync('')],
    ['not_a_dump', 'hello'],
    ['not_a_dump', 'PGDMP\x01\x0e\0 and more'],
    ['not_a_dump', '-- PostgreSQL database dump\n'],
    ['unsupported_dump', Buffer.concat([...someDocuments(5)])],
    ['unsupported_dump', gzipSync(documentOf({ _id: 1 }))],
    ['unsupported_dump', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 1, 2])],
    ['unsupported_dump', Buffer.concat([Buffer.alloc(257), Buffer.from('ustar'), Buffer.alloc(500)])],
  ])('is %s', async (reason, bytes) => {
    expect(await reasonOf(await file(bytes))).toBe(reason);
  });
});

describe('a directory', () => {
  it.each([
    ['mongodump-directory', false],
    ['mongodump-directory+gzip', true],
  ])('%s', async (format, gzip) => {
    await writeDirectory(dir, [users, settings, access, oplog], gzip);
    expect(await identify(directory(), signal)).toEqual({
      format,
      major: 7,
      serverVersion: '7.0.14',
      toolVersion: '100.10.0',
      databases: ['meta', 'shop'],
      container: 'directory',
      wrapper: gzip ? 'gzip' : 'none',
      hasOplog: true,
    });
  });

  it('of a single database does not tell its name', async () => {
    await writeDirectory(join(dir, 'up'), [users]);
    const inside: Artefact = { form: 'directory', name: 'shop', path: join(dir, 'up', 'shop'), sizeBytes: 0 };
    expect(await identify(inside, signal)).toMatchObject({ databases: [], major: 8 });
  });

  it('with a stray file beside its databases is of these', async () => {
    await writeDirectory(dir, [users]);
    await writeFile(join(dir, 'stray.bson'), 'x');
    expect(await identify(directory(), signal)).toMatchObject({ databases: ['shop'] });
  });

  it('without a collection is empty, as an archive is', async () => {
    await writeDirectory(dir, []);
    expect(await reasonOf(directory())).toBe('empty');
    expect(await reasonOf(await file(archiveOf([])))).toBe('empty');
  });

  it('is empty, or none', async () => {
    expect(await reasonOf(directory())).toBe('empty');
    await mkdir(join(dir, 'sub'));
    await writeFile(join(dir, 'sub', 'toc.dat'), 'PGDMP');
    expect(await reasonOf(directory())).toBe('not_a_dump');
  });

  it('with a damaged prelude is corrupt', async () => {
    await writeDirectory(dir, [users]);
    await writeFile(join(dir, 'prelude.json'), '{"ServerVersion":');
    expect(await reasonOf(directory())).toBe('corrupt');
  });
});
