import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { isMusterError } from '@muster/core';
import type { RestoreReport } from '@muster/engines';
import { BSON, Int32, Long, type MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DUMP_KINDS, type GoodDumps } from '../support/good-dumps.ts';
import {
  askMongo,
  type MongoPlace,
  mongoBench,
  type RestoredMongo,
  restoredMongo,
} from '../support/mongo-bench.ts';
import { writeMongodump } from '../support/mongodump.ts';
import { canRunMongo, hasMongorestore } from '../support/needs.ts';
import { requirement } from '../support/requirement.ts';
import type { ServerBench } from '../support/server-bench.ts';

const SHARED = fileURLToPath(new URL('../../../shared/data/mongodump/', import.meta.url));
const here = canRunMongo('docker');
const shared = requirement('mongodump-samples', existsSync(SHARED), `there are no sample dumps in ${SHARED}`);

/** Where, with what, and whether that can be. */
const WAYS: readonly (readonly [MongoPlace, NonNullable<RestoreReport['tool']>, boolean])[] = [
  ['docker mongo', 'muster-reader', here],
  ['docker mongo by the bridge', 'muster-reader', here],
  ['bubblewrap mongo', 'muster-reader', canRunMongo('bubblewrap')],
  ['bubblewrap mongo', 'mongorestore', hasMongorestore()],
];
const ways = WAYS.filter(([, , possible]) => possible);

let bench: ServerBench;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-mongo-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const restored = <T>(path: string, use: (restored: RestoredMongo) => Promise<T>): Promise<T> =>
  restoredMongo(bench, path, use);

const reasonOf = (path: string): Promise<string> =>
  restored(path, async () => 'restored').catch((error: unknown) =>
    isMusterError(error) ? `${error.code}: ${error.message}` : String(error),
  );

/** A dump of the database `shop`, of a test's own making. */
async function dump(name: string, collections: Parameters<typeof writeMongodump>[2]): Promise<string> {
  const path = join(dir, name);
  await writeMongodump(path, 'shop', collections);
  return path;
}

const metadata = (path: string, name: string, text: object): Promise<void> =>
  writeFile(join(path, 'shop', `${name}.metadata.json`), JSON.stringify(text));

/** With a validator, a view, and options that the server does not know. */
async function dumpWithOptions(name: string): Promise<string> {
  const path = await dump(name, {
    log: { documents: [{ _id: 1 }] },
    orders: {
      documents: [
        { _id: 1, n: -1 },
        { _id: 2, n: 1 },
      ],
    },
  });
  await metadata(path, 'log', {
    options: { capped: true, size: 4096, foo: 1 },
    indexes: [],
    collectionName: 'log',
  });
  await metadata(path, 'orders', {
    options: { validator: { n: { $gt: 0 } } },
    indexes: [
      { v: 2, key: { _id: 1 }, name: '_id_' },
      { v: 2, key: { n: 1 }, name: 'n_1', hidden: true, sparse: true },
    ],
    collectionName: 'orders',
    type: 'collection',
  });
  await metadata(path, 'a_view', {
    options: { viewOn: 'orders', pipeline: [{ $match: { n: { $gt: { $numberInt: '0' } } } }] },
    indexes: [],
    collectionName: 'a_view',
    type: 'view',
  });
  return path;
}

describe.runIf(shared).each(ways)('what the real mongodump wrote, in %s, by %s', (place, tool) => {
  beforeAll(async () => {
    bench = await mongoBench(place, tool);
  });
  afterAll(() => bench?.close());

  it.each([
    ['shop.archive.gz', ['shop']],
    ['dump', ['shop', 'shop_meta']],
  ])('%s is restored whole', async (name, databases) => {
    await restored(join(SHARED, name), async (up) => {
      const { report, client } = up;
      expect(report.tool).toBe(tool);
      expect(report.databases).toEqual(databases);
      expect(report.warnings).toEqual([
        { code: 'option_dropped', statement: 'createIndexes storageEngine', count: 4 },
      ]);
      const shop = client.db('shop');
      const counts = await Promise.all(
        ['users', 'products', 'orders', 'types', 'empty'].map((one) => shop.collection(one).countDocuments()),
      );
      expect(counts).toEqual([400, 120, 3000, 1, 0]);

      const open = await askMongo(
        up,
        {
          database: 'shop',
          collection: 'orders',
          aggregate: [
            { $match: { status: 'open' } },
            { $group: { _id: null, n: { $sum: 1 }, amount: { $sum: '$amount' } } },
            { $project: { _id: 0, n: 1, amount: { $round: ['$amount', 2] } } },
          ],
        },
        { column: 'amount' },
      );
      expect(open).toMatchObject({
        row: {
          columns: [
            { name: 'n', value: { kind: 'number', text: '755' } },
            { name: 'amount', value: { kind: 'number', text: '73859.36' } },
          ],
        },
      });

      const [types] = await shop.collection('types').find({}, { raw: true }).toArray();
      expect(Buffer.from(types as unknown as Uint8Array)).toEqual(
        await readFile(join(SHARED, 'dump/shop/types.bson')),
      );
      expect(await longs(client)).toEqual(await longsOfDump());

      const indexes = await shop.collection('users').listIndexes().toArray();
      expect(indexes.find((index) => index['name'] === 'email_1')).toMatchObject({ unique: true });
      const email = (await shop.collection('users').findOne())?.['email'];
      await expect(shop.collection('users').insertOne({ email })).rejects.toThrow();
      const orders = await shop.collection('orders').listIndexes().toArray();
      expect(orders.map((index) => index['name']).sort()).toEqual([
        '_id_',
        'status_big',
        'user_1_created_at_-1',
      ]);
      expect(orders.find((index) => index['name'] === 'status_big')).toMatchObject({
        partialFilterExpression: { amount: { $gt: 10 } },
      });
    });
  });
});

/** The whole numbers of products that a double cannot hold. */
async function longs(client: MongoClient): Promise<readonly string[]> {
  const products = await client.db('shop').collection('products').find({}, { raw: true }).toArray();
  return longsOf(products.map((bytes) => Buffer.from(bytes as unknown as Uint8Array)));
}

async function longsOfDump(): Promise<readonly string[]> {
  const bytes = await readFile(join(SHARED, 'dump/shop/products.bson'));
  const documents: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) {
    documents.push(bytes.subarray(at, at + bytes.readInt32LE(at)));
  }
  const found = longsOf(documents);
  expect(found.length).toBeGreaterThan(0);
  return found;
}

const longsOf = (documents: readonly Buffer[]): readonly string[] =>
  documents
    .flatMap((bytes) => Object.values(BSON.deserialize(bytes, { promoteLongs: false })))
    .filter((value) => value instanceof Long)
    .map(String)
    .filter((text) => !Number.isSafeInteger(Number(text)))
    .sort();

describe.each(ways)('a dump of options and indexes, in %s, by %s', (place, tool) => {
  beforeAll(async () => {
    bench = await mongoBench(place, tool);
  });
  afterAll(() => bench?.close());

  it('loses no option that the server has, and none that it has not is in the way', async () => {
    await restored(await dumpWithOptions(`options ${place} ${tool}`), async ({ client, report }) => {
      const shop = client.db('shop');
      expect(await shop.collection('a_view').countDocuments()).toBe(1);
      expect(await shop.collection('orders').countDocuments()).toBe(2);
      const indexes = await shop.collection('orders').listIndexes().toArray();
      expect(indexes).toMatchObject([{}, { name: 'n_1', sparse: true }]);
      expect(report.warnings.map(({ statement, count }) => [statement, count])).toEqual([
        ['create capped', 1],
        ['create', 1],
        ['createIndexes hidden', 1],
      ]);
    });
  });

  it('builds no unique index over documents that are not, and says which', async () => {
    const path = await dump(`unique ${place} ${tool}`, {
      users: {
        documents: [
          { _id: 1, email: 'secret@example.com' },
          { _id: 2, email: 'secret@example.com' },
        ],
        indexes: [
          { v: 2, key: { name: 1 }, name: 'name_1' },
          { v: 2, key: { email: 1 }, name: 'email_1', unique: true },
        ],
      },
    });
    const reason = await reasonOf(path);
    expect(reason).toMatch(/^restore_failed: The index "email_1" of shop\.users could not be built/);
    expect(reason).toContain('`muster drill show ID --output`');
    expect(reason).not.toContain('secret');
  });
});

describe.runIf(here)('a dump that was made here', () => {
  let good: GoodDumps;
  beforeAll(async () => {
    bench = await mongoBench('docker mongo');
    good = await DUMP_KINDS.mongodb.make();
  });
  afterAll(async () => {
    await good?.close();
    await bench?.close();
  });

  it('whose documents are not as its own unique _id demands fails', async () => {
    const path = await dump('twice', { users: { documents: [{ _id: 1 }, { _id: 1, secret: 1 }] } });
    expect(await reasonOf(path)).toMatch(/^restore_failed: 1 document of shop\.users was not taken/);
  });

  it('of a kind that is not known, or not to be had, is not judged', async () => {
    const path = await dump('kinds', { orders: { documents: [] } });
    await metadata(path, 'orders', { indexes: [], collectionName: 'orders', type: 'hologram' });
    expect(await reasonOf(path)).toMatch(/^needs_mongorestore/);
    await metadata(path, 'orders', {
      options: { timeseries: { timeField: 't' } },
      indexes: [],
      collectionName: 'orders',
      type: 'timeseries',
    });
    expect(await reasonOf(path)).toMatch(/^unsupported_dump/);
  });

  it('leaves out users, roles and what belongs to the server', async () => {
    const path = await dump('users', { orders: { documents: [{ _id: 1 }] } });
    for (const [database, name] of [
      ['admin', 'system.users'],
      ['config', 'settings'],
      ['local', 'startup_log'],
    ] as const) {
      await writeMongodump(join(dir, `users-${database}`), database, {
        [name]: { documents: [{ _id: 'x' }] },
      });
    }
    await restored(path, async ({ client, report }) => {
      expect(report.databases).toEqual(['shop']);
      expect(await client.db('admin').collection('system.users').countDocuments()).toBe(0);
    });
    for (const database of ['admin', 'config', 'local']) {
      expect(await reasonOf(join(dir, `users-${database}`))).toMatch(/^empty/);
    }
  });

  it.each(DUMP_KINDS.mongodb.forms)('in the form %s is restored whole', async (form) => {
    await good.put(form, join(dir, `form-${form}`));
    await restored(join(dir, `form-${form}`), async ({ client, report }) => {
      expect(report).toMatchObject({ databases: ['shop'], objects: 3, warnings: [] });
      const shop = client.db('shop');
      const names = ['people', 'orders', 'none'];
      const counts = await Promise.all(names.map((name) => shop.collection(name).countDocuments()));
      expect(counts).toEqual([2000, 50, 0]);
    });
  });

  it('with an oplog needs mongorestore', async () => {
    const path = await dump('oplog', { orders: { documents: [{ _id: 1 }] } });
    await writeFile(join(path, 'oplog.bson'), BSON.serialize({ op: 'n' }));
    expect(await reasonOf(path)).toMatch(/^needs_mongorestore/);
  });

  it('of a single database takes the name it is given', async () => {
    const path = await dump('flat', { orders: { documents: [{ _id: 1 }] } });
    await restored(join(path, 'shop'), async ({ client, report }) => {
      expect(report.databases).toEqual(['restored']);
      expect(report.warnings).toEqual([{ code: 'database_named', count: 1 }]);
      expect(await client.db('restored').collection('orders').countDocuments()).toBe(1);
    });
  });

  it('keeps every document of a collection in its order, in many batches', async () => {
    const documents = Array.from({ length: 25_000 }, (_, i) => ({
      _id: new Int32(i),
      '1': 'x',
      '0': 'y'.repeat(200),
    }));
    const path = await dump('many', { orders: { documents }, more: { documents: documents.slice(0, 100) } });
    await restored(path, async ({ client }) => {
      const orders = client.db('shop').collection('orders');
      expect(await orders.countDocuments()).toBe(25_000);
      expect(
        (await orders.find({}, { projection: { _id: 1 } }).toArray()).every(
          ({ _id }, i) => Number(_id) === i,
        ),
      ).toBe(true);
    });
  });

  it.runIf(shared)('that is cut in the middle of its archive is truncated', async () => {
    const path = join(dir, 'cut.archive');
    const bytes = gunzipSync(await readFile(join(SHARED, 'shop.archive.gz')));
    await writeFile(path, bytes.subarray(0, bytes.length >> 1));
    expect(await reasonOf(path)).toMatch(/^truncated/);
  });
});
