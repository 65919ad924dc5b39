import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isMusterError } from '@muster/core';
import { deserialize } from 'bson';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Artefact } from '../../artefact.js';
import { ArchiveReader } from './archive-reader.js';
import {
  archiveOf,
  documentOf,
  type FixtureCollection,
  preludeOf,
  someDocuments,
  TERMINATOR,
  writeDirectory,
} from './dump-writer.fixture.js';
import { examine } from './examine.js';
import { archiveFacts, identify } from './identify.js';

const signal = new AbortController().signal;
const hexOf = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-examine-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const file = async (bytes: Buffer): Promise<Artefact> => {
  const path = join(dir, 'backup');
  await writeFile(path, bytes);
  return { form: 'file', name: 'backup', path, sizeBytes: bytes.length };
};
const directory = (): Artefact => ({
  form: 'directory',
  name: 'dump',
  path: join(dir, 'dump'),
  sizeBytes: 0,
});

/** What identify and examine say together: `whole`, or a reason. */
const judge = async (artefact: Artefact): Promise<string> => {
  try {
    const facts = await identify(artefact, signal);
    const { fault } = await examine(artefact, facts, { onBytes: () => undefined }, signal);
    return fault?.code ?? 'whole';
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

/** The same of the bytes of an archive, in memory. */
const judgeBytes = (bytes: Buffer, chunk = 64 * 1024): string => {
  const reader = new ArchiveReader(
    { prelude: () => undefined, document: () => undefined, blockEnd: () => undefined },
    { checksums: true, metadata: 'all' },
  );
  try {
    for (let at = 0; at < bytes.length; at += chunk) reader.write(bytes.subarray(at, at + chunk));
    reader.end();
    return 'whole';
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

const users: FixtureCollection = { database: 'shop', name: 'users', documents: someDocuments(35) };
const orders: FixtureCollection = { database: 'shop', name: 'orders', documents: someDocuments(15, 'o') };
const none: FixtureCollection = { database: 'shop', name: 'none' };
const view: FixtureCollection = {
  database: 'shop',
  name: 'open',
  type: 'view',
  options: { viewOn: 'orders', pipeline: [] },
};
const series: FixtureCollection = {
  database: 'shop',
  name: 'weather',
  type: 'timeseries',
  options: { timeseries: { timeField: 't' } },
  dataName: 'system.buckets.weather',
  documents: someDocuments(3),
};
const all = [users, orders, none, view, series];

describe('an archive', () => {
  it.each([1, 3, 4, 7, 64, 65536])('is whole in chunks of %i', (chunk) => {
    expect(judgeBytes(archiveOf(all), chunk)).toBe('whole');
  });

  it('has its digest, inside of gzip too', async () => {
    for (const bytes of [archiveOf(all), gzipSync(archiveOf(all))]) {
      const artefact = await file(bytes);
      const facts = await identify(artefact, signal);
      let seen = 0;
      const examined = await examine(artefact, facts, { onBytes: (all) => (seen = all) }, signal);
      expect(examined).toEqual({ sha256: `sha256:${hexOf(bytes)}`, sizeBytes: bytes.length });
      expect(seen).toBe(bytes.length);
    }
  });

  it('cut anywhere is truncated', () => {
    const bytes = archiveOf(all);
    for (let length = preludeOf(all).length; length < bytes.length; length += 1) {
      expect(judgeBytes(bytes.subarray(0, length))).toBe('truncated');
    }
  });

  it('cut anywhere inside of gzip is truncated, with the digest of what there is', async () => {
    const bytes = gzipSync(archiveOf(all));
    const cut = bytes.subarray(0, bytes.length - 20);
    const artefact = await file(cut);
    const examined = await examine(
      artefact,
      archiveFacts({ collections: [], serverVersion: '', toolVersion: '' }, 'gzip'),
      { onBytes: () => undefined },
      signal,
    );
    expect(examined.fault?.code).toBe('truncated');
    expect(examined.sha256).toBe(`sha256:${hexOf(cut)}`);
  });

  it('with any bit flipped after its prelude is found damaged', () => {
    const bytes = archiveOf(all);
    for (let at = preludeOf(all).length; at < bytes.length; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      expect(judgeBytes(damaged), `byte ${at}`).toMatch(/^(corrupt|truncated)$/);
    }
  });

  it('with a document less, twice, or in another place is corrupt', () => {
    const bytes = archiveOf([users]);
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = users.documents ?? [];
    const at = bytes.indexOf(first);
    const head = bytes.subarray(0, at);
    const rest = bytes.subarray(at + first.length + second.length);
    expect(judgeBytes(Buffer.concat([head, second, rest]))).toBe('corrupt');
    expect(judgeBytes(Buffer.concat([head, second, first, rest]))).toBe('corrupt');
    expect(judgeBytes(Buffer.concat([head, first, first, second, rest]))).toBe('corrupt');
  });

  it('with something behind it is damaged', () => {
    expect(judgeBytes(Buffer.concat([archiveOf(all), documentOf({ a: 1 })]))).toBe('corrupt');
    expect(judgeBytes(Buffer.concat([archiveOf(all), TERMINATOR]))).toBe('corrupt');
  });

  it('that names a collection twice, or lacks metadata, is corrupt', () => {
    expect(judgeBytes(archiveOf([users, users]))).toBe('corrupt');
    expect(judgeBytes(archiveOf([{ ...users, bare: true }]))).toBe('corrupt');
    expect(judgeBytes(archiveOf([{ ...users, name: '$admin.system.users', bare: true }]))).toBe('whole');
  });

  it('with documents of a view is corrupt', () => {
    const options = { viewOn: 'users', pipeline: [] };
    const view: FixtureCollection = { database: 'shop', name: 'few', type: 'view', options };
    expect(judgeBytes(archiveOf([users, view]))).toBe('whole');
    expect(judgeBytes(archiveOf([users, { ...view, documents: someDocuments(1) }]))).toBe('corrupt');
  });

  it('that does not match the checksum beside it', async () => {
    const artefact = await file(archiveOf(all));
    await writeFile(join(dir, 'backup.sha256'), `${hexOf('other')}  backup\n`);
    expect(await judge(artefact)).toBe('checksum_mismatch');
  });
});

describe.each([false, true])('a directory, gzip %s', (gzip) => {
  const suffix = gzip ? '.gz' : '';
  const path = (name: string): string => join(dir, 'dump', `${name}${suffix}`);
  beforeEach(() => writeDirectory(join(dir, 'dump'), all, gzip));

  it('is whole', async () => {
    expect(await judge(directory())).toBe('whole');
  });

  it('with a long name, of which the file has but a part, is whole', async () => {
    const name = `${'n'.repeat(240)}é`;
    const cut = `${'n'.repeat(208)}%24${'h'.repeat(27)}`;
    await writeDirectory(join(dir, 'long'), [{ ...users, name: 'short' }], gzip);
    const metadata = JSON.stringify({ indexes: [], collectionName: name, type: 'collection' });
    await writeFile(
      join(dir, 'long', 'shop', `${cut}.metadata.json${suffix}`),
      gzip ? gzipSync(metadata) : metadata,
    );
    await writeFile(join(dir, 'long', 'shop', `${cut}.bson${suffix}`), gzip ? gzipSync('') : '');
    expect(await judge({ form: 'directory', name: 'long', path: join(dir, 'long'), sizeBytes: 0 })).toBe(
      'whole',
    );
  });

  it('without the documents of a collection is truncated', async () => {
    await rm(path('shop/users.bson'));
    expect(await judge(directory())).toBe('truncated');
  });

  it('without the metadata of a collection is truncated', async () => {
    await rm(path('shop/users.metadata.json'));
    expect(await judge(directory())).toBe('truncated');
  });

  it('without the documents of a time series is truncated', async () => {
    await rm(path('shop/system.buckets.weather.bson'));
    expect(await judge(directory())).toBe('truncated');
  });

  it('with metadata of another collection, or none, is corrupt', async () => {
    await cp(path('shop/orders.metadata.json'), path('shop/users.metadata.json'));
    expect(await judge(directory())).toBe('corrupt');
    await writeFile(path('shop/users.metadata.json'), gzip ? gzipSync('{}x') : '{}x');
    expect(await judge(directory())).toBe('corrupt');
  });

  it('whose documents are cut is truncated', async () => {
    const bytes = await readFile(path('shop/users.bson'));
    await truncate(path('shop/users.bson'), bytes.length - 3);
    expect(await judge(directory())).toBe('truncated');
  });

  it('whose documents are damaged is corrupt', async () => {
    const bytes = await readFile(path('shop/users.bson'));
    const plain = gzip ? gunzipSync(bytes) : bytes;
    plain[plain.length >> 1] = 0x7e;
    const length = plain.readUInt32LE(0);
    plain[length - 1] = 1;
    await writeFile(path('shop/users.bson'), gzip ? gzipSync(plain) : plain);
    expect(await judge(directory())).toBe('corrupt');
  });

  it.each([
    `users.bson${gzip ? '' : '.gz'}`,
    '%75sers.bson',
    'system.buckets.users.bson',
    'us%65rs.metadata.json',
  ])('with %s beside the file of the same collection is corrupt', async (name) => {
    await writeDirectory(join(dir, 'dump'), [users], gzip);
    await writeFile(join(dir, 'dump', 'shop', name), '');
    expect(await judge(directory())).toBe('corrupt');
  });

  it('with documents of a view is corrupt', async () => {
    const options = { viewOn: 'users', pipeline: [] };
    const view = { database: 'shop', name: 'few', options, documents: someDocuments(3) };
    await writeDirectory(join(dir, 'dump'), [users, view], gzip);
    expect(await judge(directory())).toBe('corrupt');
  });

  it('whose cut name is not told as JSON is corrupt', async () => {
    await writeDirectory(join(dir, 'dump'), [users], gzip);
    const cut = `%24${'n'.repeat(235)}.metadata.json${gzip ? '.gz' : ''}`;
    const text = '{"collectionName":"\\x"}';
    await writeFile(join(dir, 'dump', 'shop', cut), gzip ? gzipSync(text) : text);
    expect(await judge(directory())).toBe('corrupt');
  });

  it('whose documents are a directory is truncated', async () => {
    await writeDirectory(join(dir, 'dump'), [users], gzip);
    const data = join(dir, 'dump', 'shop', `users.bson${gzip ? '.gz' : ''}`);
    await rm(data);
    await mkdir(data);
    expect(await judge(directory())).toBe('truncated');
  });

  it('with a link is not read', async () => {
    await writeDirectory(join(dir, 'dump'), [users], gzip);
    const data = join(dir, 'dump', 'shop', `users.bson${gzip ? '.gz' : ''}`);
    await rename(data, join(dir, 'elsewhere'));
    await symlink(join(dir, 'elsewhere'), data);
    expect(await judge(directory())).toBe('backup_unreadable');
  });

  it('without its prelude is whole, as older tools write none', async () => {
    await rm(path('prelude.json'));
    expect(await judge(directory())).toBe('whole');
  });

  it('with an oplog and users is whole', async () => {
    await rename(join(dir, 'dump'), join(dir, 'old'));
    const more = [
      { database: '', name: 'oplog', bare: true, documents: someDocuments(4) },
      { database: 'shop', name: '$admin.system.users', bare: true, documents: someDocuments(1) },
    ];
    await writeDirectory(join(dir, 'dump'), [...all, ...more], gzip);
    expect(await judge(directory())).toBe('whole');
    await writeFile(join(dir, 'dump', 'oplog.bson'), gzip ? gzipSync('abc') : 'abc');
    expect(await judge(directory())).toBe('truncated');
  });
});

const shared = new URL('../../../../../../shared/data/mongodump/', import.meta.url).pathname;

describe.skipIf(!existsSync(shared))('what the real mongodump wrote', () => {
  it('is whole, and has every document', async () => {
    expect(await judge({ form: 'directory', name: 'dump', path: join(shared, 'dump'), sizeBytes: 0 })).toBe(
      'whole',
    );
    const counts = new Map<string, number>();
    const open: number[] = [];
    const reader = new ArchiveReader(
      {
        prelude: () => undefined,
        document: ({ name }, bytes) => {
          counts.set(name, (counts.get(name) ?? 0) + 1);
          const { status, amount } = deserialize(bytes);
          if (name === 'orders' && status === 'open') open.push(Math.round(Number(amount) * 100));
        },
        blockEnd: () => undefined,
      },
      { checksums: true, metadata: 'all' },
    );
    reader.write(gunzipSync(await readFile(join(shared, 'shop.archive.gz'))));
    reader.end();
    expect(Object.fromEntries(counts)).toEqual({ users: 400, products: 120, orders: 3000, types: 1 });
    expect([open.length, open.reduce((sum, cents) => sum + cents, 0)]).toEqual([755, 7_385_936]);
  });
});
