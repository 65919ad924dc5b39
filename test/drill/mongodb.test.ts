import { existsSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import {
  type DrillProject,
  type Isolation,
  type ProjectOptions,
  projectOfEachTest,
} from '../support/drill-project.ts';
import { findProgram } from '../support/find-program.ts';
import { IMAGES } from '../support/images.ts';
import { MONGO_FACTS, mongoBench } from '../support/mongo-bench.ts';
import { MONGO_EXAMPLES } from '../support/mongo-examples.ts';
import { writeMongodump } from '../support/mongodump.ts';
import { canRunMongo } from '../support/needs.ts';
import { requirement } from '../support/requirement.ts';
import type { TestChecks } from '../support/source-text.ts';

const SHARED = join(process.cwd(), '../shared/data/mongodump');
const ISOLATIONS: readonly Isolation[] = ['docker', 'bubblewrap'];
const samples = requirement(
  'mongodump-samples',
  existsSync(SHARED),
  `there are no sample dumps in ${SHARED}`,
);

const count = (collection: string, filter: object = {}) => ({ database: 'shop', collection, filter });
const SHOP: TestChecks = {
  users: [count('users'), 'n == 400'],
  products: [count('products'), 'n == 120'],
  orders: [count('orders'), 'n == 3000'],
  open: [count('orders', { status: 'open' }), 'n == 755'],
  total: [
    {
      database: 'shop',
      collection: 'orders',
      aggregate: [
        { $match: { status: 'open' } },
        { $group: { _id: null, total: { $sum: '$amount' } } },
        { $project: { _id: 0, total: { $round: ['$total', 2] } } },
      ],
    },
    'total == 73859.36',
  ],
  'long-beyond-2-53': [
    { database: 'shop', collection: 'products', aggregate: [{ $match: { _id: 'sku-0' } }] },
    'big == 9007199254740993',
  ],
  'one-less-is-not-it': [count('products', { big: { $numberLong: '9007199254740992' } }), 'n == 0'],
  price: [
    { database: 'shop', collection: 'products', aggregate: [{ $match: { _id: 'sku-0' } }] },
    'price == 0.99',
  ],
  'index-names': [
    {
      database: 'shop',
      collection: 'orders',
      aggregate: [{ $indexStats: {} }, { $count: 'n' }],
    },
    'n == 3',
  ],
  dates: [count('users', { joined: { $lt: { $date: '2026-10-01T00:00:00Z' } } }), 'n > 0'],
  'object-id': [count('users', { _id: { $oid: 'a10000000000000000000000' } }), 'n == 1'],
  path: [
    { database: 'shop', collection: 'users', aggregate: [{ $sort: { _id: 1 } }] },
    'address.geo.type == "Point"',
  ],
  collections: [{ database: 'shop', list_collections: true }, 'n == 6'],
};

const drillProject = projectOfEachTest();

const given = async (options: Partial<ProjectOptions>): Promise<DrillProject> => {
  return await drillProject({ isolation: 'docker', kind: 'mongodb', ...options });
};
const verdicts = (predicate: { readonly checks: readonly object[] } | undefined) => predicate?.checks;
const allPass = (checks: TestChecks) => Object.keys(checks).map((id) => ({ id, verdict: 'pass' }));
const OF_THIS_IMAGE = [`image: ${IMAGES.mongo}`];

/** The image has no mongorestore; the machine may. */
const hasTool = (isolation: Isolation): boolean =>
  isolation === 'bubblewrap' && findProgram('mongorestore') !== undefined;

for (const isolation of ISOLATIONS) {
  describe.runIf(samples && canRunMongo(isolation))(`a drill of what mongodump wrote (${isolation})`, () => {
    it.each([
      ['shop.archive.gz', 'archive+gzip', SHOP],
      [
        'dump',
        'mongodump-directory',
        { ...SHOP, meta: [{ database: 'shop_meta', list_collections: true }, 'n == 1'] } as TestChecks,
      ],
    ] as const)('%s passes, and its receipt says by what', async (name, format, checks) => {
      const { dumps, drill, muster } = await given({ isolation, checks, source: OF_THIS_IMAGE });
      await cp(join(SHARED, name), join(dumps, name), { recursive: true });
      const drilled = await drill();
      expect(verdicts(drilled.predicate)).toMatchObject(allPass(checks));
      expect(drilled).toMatchObject({
        exitCode: 0,
        predicate: {
          result: 'pass',
          source: { kind: 'mongodb' },
          backup: { format, server_version: '7.0.77' },
          environment: {
            engine: 'mongodb',
            engine_version: expect.stringMatching(/^FerretDB \d/),
            substitute: true,
          },
          restore: { tool: hasTool(isolation) ? 'mongorestore' : 'muster-reader' },
        },
      });
      expect(drilled.stderr).toMatch(/FerretDB \S+ in place of MongoDB/);
      const verified = await muster(['verify', 'receipt-1.json', '--keyring', 'keys', '--require-pass']);
      expect(verified.exitCode).toBe(6);
    });
  });
}

/** As they stand in the page "Writing a check". */
const EXAMPLES = `
sources:
  - slug: shop
    kind: mongodb
    backup: { type: dump, location: dumps }
    checks: [open-orders, orders-total, app-collections]
checks:
${MONGO_EXAMPLES}scratch: { kind: docker, images: { mongodb: "muster.test/mongo:{major}" } }
`;

describe.runIf(canRunMongo('docker'))('a drill of MongoDB', () => {
  const app = (open: number) => {
    const orders = Array.from({ length: 60 }, (_, _id) => ({
      _id,
      status: _id < open ? 'open' : 'paid',
      amount: 200,
    }));
    const none = { documents: [] };
    return { orders: { documents: orders }, users: none, products: none, carts: none };
  };

  it.each([
    [60, ['pass', 'pass', 'pass']],
    [51, ['pass', 'pass', 'pass']],
    [50, ['pass', 'fail', 'pass']],
    [0, ['fail', 'error', 'pass']],
  ])('asks the examples as they are written: of %d open orders', async (open, expected) => {
    const { folder, dumps, drill } = await given({});
    await writeFile(join(folder, 'muster.yaml'), EXAMPLES);
    await writeMongodump(join(dumps, 'app-dump'), 'app', app(open));
    const { predicate } = await drill();
    expect(predicate?.checks.map(({ verdict }) => verdict)).toEqual(expected);
  });

  const MISPLACED = `
sources:
  - slug: shop
    kind: mongodb
    backup: { type: dump, location: LOCATION }
    checks: [app, meta]
checks:
  - { id: app, summary_find: { database: app, collection: orders, filter: {} }, expect: n == 3 }
  - { id: meta, summary_find: { database: app_meta, collection: settings, filter: {} }, expect: n == 2 }
scratch: { kind: docker, images: { mongodb: "muster.test/mongo:{major}" } }
`;

  it.each([
    ['dumps/2026-11-20', { result: 'error', reason: 'backup_unreadable' }],
    ['dumps', { result: 'pass', backup: { id: '2026-11-20' } }],
  ])('of two databases in one directory, with %s as the location', async (location, expected) => {
    const { folder, dumps, drill } = await given({});
    await writeFile(join(folder, 'muster.yaml'), MISPLACED.replace('LOCATION', location));
    const three = app(0).orders.documents.slice(0, 3);
    await writeMongodump(join(dumps, '2026-11-20'), 'app', { orders: { documents: three } });
    await writeMongodump(join(dumps, '2026-11-20'), 'app_meta', {
      settings: { documents: [{ _id: 1 }, { _id: 2 }] },
    });
    const drilled = await drill();
    expect(drilled.predicate).toMatchObject(expected);
    if (expected.result === 'error')
      expect(drilled.stderr + drilled.stdout).toContain('/dumps/2026-11-20 is no directory of backups');
  });

  it('warns where the name of the database is not that of the backup', async () => {
    const { dumps, drill } = await given({
      checks: { all: [{ database: 'shop', collection: 'orders', filter: {} }, 'n == 60'] },
    });
    await writeMongodump(dumps, 'app-2026-11-20', app(1));
    const drilled = await drill();
    expect(drilled.predicate).toMatchObject({
      result: 'pass',
      restore: { warnings: [{ code: 'database_named', count: 1 }] },
    });
    expect(drilled.stdout + drilled.stderr).toContain('does not tell its name');
  });

  it('knows the time of the backup in its checks', async () => {
    const at = '2026-03-04T05:06:07Z';
    const { dumps, drill } = await given({
      checks: {
        fresh: [
          {
            database: 'app',
            collection: 'orders',
            aggregate: [
              { $limit: 1 },
              { $project: { _id: 0, past: { $lt: [{ $date: at }, '$$backup_created_at'] } } },
            ],
          },
          'past == true',
        ],
      },
    });
    await writeMongodump(join(dumps, 'app-dump'), 'app', app(1));
    expect((await drill()).predicate?.checks).toMatchObject([{ verdict: 'pass' }]);
  });

  it('dumps its source live, with no more than reads, and the receipt says that it was no snapshot', async () => {
    const bench = await mongoBench('docker mongo');
    try {
      await bench.within(MONGO_FACTS, async ({ scratch }) => {
        const socket = encodeURIComponent(`${scratch.socketDir}/mongodb-27017.sock`);
        const source = new MongoClient(`mongodb://${socket}/`);
        await source
          .db('app')
          .collection<{ _id: number }>('orders')
          .insertMany(Array.from({ length: 5000 }, (_, _id) => ({ _id })));
        await source.db('app').collection('orders').createIndex({ b: 1, a: -1 }, { name: 'odd' });
        await source.db('other').collection('things').insertOne({ a: 1 });
        await source.close();
        const { drill } = await given({
          source: ['connection: { uri: env:APP_URI }', ...OF_THIS_IMAGE],
          checks: {
            orders: [{ database: 'app', collection: 'orders', filter: {} }, 'n == 5000'],
            indexes: [
              { database: 'app', collection: 'orders', aggregate: [{ $indexStats: {} }, { $count: 'n' }] },
              'n == 2',
            ],
            others: [{ database: 'other', list_collections: true }, 'n == 0'],
          },
        });
        const drilled = await drill([], { APP_URI: `mongodb://${socket}/app` });
        expect(drilled).toMatchObject({
          exitCode: 0,
          predicate: {
            result: 'pass',
            backup: { id: expect.stringMatching(/^app_/), format: 'archive', created_at_from: 'dump' },
            restore: {
              tool: 'muster-reader',
              warnings: expect.arrayContaining([{ code: 'no_snapshot', count: 1 }]),
            },
          },
        });
        expect(JSON.stringify(drilled.predicate)).not.toContain(socket);
      });
    } finally {
      await bench.close();
    }
  });

  it('may be kept, and its checks asked again', async () => {
    const { dumps, start, muster } = await given({
      checks: { open: [{ database: 'app', collection: 'orders', filter: { status: 'open' } }, 'n == 7'] },
    });
    await writeMongodump(join(dumps, 'app-dump'), 'app', app(7));
    const { child, ended } = start(['--keep', '10m']);
    expect(await said(child.stderr, /check test ID/)).toMatch(
      /mongosh 'mongodb:\/\/\S+mongodb-27017\.sock\/app'/,
    );
    const asked = await muster(['check', 'test', 'open', '--source', 'shop', '--json']);
    expect(JSON.parse(asked.stdout)).toMatchObject({ verdict: 'pass', summary: { n: 7 } });
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 0, predicate: { result: 'pass' } });
  });
});

/** What a command has said up to where it says `pattern`. */
function said(stream: Readable | null, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    stream?.on('data', (piece) => {
      text += piece;
      if (pattern.test(text)) resolve(text);
    });
    stream?.once('end', () => reject(new Error(`it ended before it said ${pattern}: ${text}`)));
  });
}
