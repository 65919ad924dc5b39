import { Decimal128, Double, Int32, Long, type MongoClient, ObjectId } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  askMongo,
  clientOf,
  MONGO_FACTS,
  type MongoAsked,
  type MongoPlace,
  mongoBench,
  mongoQuestion,
} from '../support/mongo-bench.ts';
import { canRunMongo } from '../support/needs.ts';
import type { ServerBench, Up } from '../support/server-bench.ts';

const PLACES: readonly MongoPlace[] = ['docker mongo', 'docker mongo by the bridge', 'bubblewrap mongo'];
const row = (columns: Readonly<Record<string, unknown>>) => ({
  kind: 'row',
  row: { columns: Object.entries(columns).map(([name, value]) => ({ name, value })) },
});
const number = (text: string) => ({ kind: 'number', text });
const string = (text: string) => ({ kind: 'string', text });
const BIG = Long.fromString('9007199254740993');
/** The limit of a question that is not to end by itself, and what the server may take on top to be made to stop. */
const SHORT = { timeoutMs: 500 };
const STOPPED_MS = 7_500;

for (const place of PLACES) {
  const here = canRunMongo(place.startsWith('docker') ? 'docker' : 'bubblewrap');
  describe.runIf(here)(`a question asked in ${place}`, () => questionsIn(place));
}

function questionsIn(place: MongoPlace): void {
  let bench: ServerBench;
  let end: (() => void) | undefined;
  let running: Up;
  let ended: Promise<void>;
  let client: MongoClient;
  beforeAll(async () => {
    bench = await mongoBench(place);
    const started = Promise.withResolvers<Up>();
    ended = bench.within(MONGO_FACTS, (up) => {
      started.resolve(up);
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    running = await Promise.race([started.promise, ended.then(() => Promise.reject(new Error('it ended')))]);
    client = clientOf(running);
    const shop = client.db('shop');
    await shop.collection('orders').insertMany(
      Array.from({ length: 300 }, (_, index) => ({
        _id: ObjectId.createFromTime(index),
        status: index % 4 === 0 ? 'open' : 'paid',
        total: Decimal128.fromString((index / 100).toFixed(2)),
        seq: BIG.add(index),
        at: new Date(Date.UTC(2026, 10, 1) + index * 3_600_000),
      })),
    );
    await shop.collection('empty').createIndex({ a: 1 });
  });
  afterAll(async () => {
    await client?.close();
    end?.();
    await ended;
    await bench?.close();
  });
  const ask = (find: object, asked?: MongoAsked) => askMongo(running, { database: 'shop', ...find }, asked);
  const count = (filter: object, asked?: MongoAsked) => ask({ collection: 'orders', filter }, asked);
  const aggregate = (stages: readonly object[], asked?: MongoAsked) =>
    ask({ collection: 'orders', aggregate: stages }, asked);
  const one = { $limit: 1 };

  it('counts what a filter finds', async () => {
    expect(await count({ status: 'open' })).toEqual(row({ n: number('75') }));
    expect(await count({})).toEqual(row({ n: number('300') }));
    expect(await count({ status: 'lost' })).toEqual(row({ n: number('0') }));
  });

  it('has Extended JSON in its filter', async () => {
    expect(await count({ seq: { $numberLong: '9007199254740993' } })).toEqual(row({ n: number('1') }));
    expect(await count({ _id: { $oid: '000000050000000000000000' } })).toEqual(row({ n: number('1') }));
    expect(await count({ at: { $lt: { $date: '2026-11-02T00:00:00Z' } } })).toEqual(row({ n: number('24') }));
    expect(await count({ total: { $numberDecimal: '1.00' } })).toEqual(row({ n: number('1') }));
  });

  it('of a collection or a database that is not there counts nothing', async () => {
    const nothing = row({ n: number('0') });
    expect(await ask({ collection: 'nowhere', filter: {} })).toEqual(nothing);
    expect(await ask({ database: 'nowhere', collection: 'orders', filter: {} })).toEqual(nothing);
    expect(await ask({ database: 'nowhere', list_collections: true })).toEqual(nothing);
    expect(await ask({ database: 'nowhere', collection: 'orders', aggregate: [one] })).toEqual({
      kind: 'no_rows',
    });
  });

  it.each([
    ['orders', 'open', '75'],
    ['orders', 'lost', '0'],
    ['nowhere', 'open', '0'],
  ])('counts by the pipeline of the docs to zero too: of %s that are %s', async (collection, status, n) => {
    const stages = [
      { $facet: { rows: [{ $match: { status } }, { $count: 'n' }] } },
      { $project: { n: { $sum: '$rows.n' } } },
    ];
    expect(await ask({ collection, aggregate: stages })).toEqual(row({ n: number(n) }));
  });

  it.each([
    ['rounded', { $eq: [{ $round: ['$total', 2] }, 0.3] }],
    ['exact', { $eq: ['$exact', { $numberDecimal: '0.3' }] }],
  ])('sums doubles to the cent by the stages of the docs: %s', async (_, told) => {
    await client.db('shop').collection('sums').deleteMany({});
    await client
      .db('shop')
      .collection('sums')
      .insertMany([{ amount: 0.1 }, { amount: 0.2 }]);
    const sums = { total: { $sum: '$amount' }, exact: { $sum: { $toDecimal: '$amount' } } };
    const asked = (value: unknown) =>
      ask({
        collection: 'sums',
        aggregate: [{ $group: { _id: null, ...sums } }, { $project: { _id: 0, sum: value } }],
      });
    expect(await asked('$total')).toEqual(row({ sum: number('0.30000000000000004') }));
    expect(await asked(told)).toEqual(row({ sum: { kind: 'boolean', value: true } }));
    await client.db('shop').dropCollection('sums');
  });

  it('counts collections, but for those of the server', async () => {
    await client.db('shop').createCollection('systematic');
    expect(await ask({ list_collections: true })).toEqual(row({ n: number('3') }));
  });

  it('has the first document as its row, in its order', async () => {
    const sorted = [{ $sort: { seq: -1 } }, { $project: { _id: 0, total: 1, '9': '$status', '10': '$seq' } }];
    expect(await aggregate(sorted)).toEqual({
      kind: 'row',
      row: {
        columns: [
          { name: 'total', value: number('2.99') },
          { name: '9', value: string('paid') },
          { name: '10', value: number('9007199254741292') },
        ],
      },
    });
  });

  it('without a document has no row', async () => {
    expect(await aggregate([{ $match: { status: 'lost' } }])).toEqual({ kind: 'no_rows' });
  });

  it('keeps numbers exact and tells each type by its meaning', async () => {
    await client
      .db('shop')
      .collection('types')
      .insertOne({
        _id: new ObjectId('650f00000000000000000001'),
        big: BIG,
        small: new Int32(-7),
        exact: Decimal128.fromString('1.50'),
        half: new Double(0.5),
        nan: new Double(Number.NaN),
        inf: Decimal128.fromString('-Infinity'),
        yes: true,
        gone: null,
        word: 'é',
        day: new Date('2026-01-02T03:04:05.678Z'),
        doc: { deep: { n: BIG } },
        list: [1],
      });
    expect(await ask({ collection: 'types', aggregate: [one] }, { column: 'doc.deep.n' })).toEqual(
      row({
        _id: { kind: 'other', type: 'objectId', text: '{"$oid":"650f00000000000000000001"}' },
        big: number('9007199254740993'),
        small: number('-7'),
        exact: number('1.50'),
        half: number('0.5'),
        nan: { kind: 'non_finite', text: 'NaN' },
        inf: { kind: 'non_finite', text: '-Infinity' },
        yes: { kind: 'boolean', value: true },
        gone: { kind: 'null' },
        word: string('é'),
        day: { kind: 'other', type: 'date', text: '{"$date":"2026-01-02T03:04:05.678Z"}' },
        doc: { kind: 'other', type: 'object', text: '{"deep":{"n":{"$numberLong":"9007199254740993"}}}' },
        list: { kind: 'other', type: 'array', text: '[1]' },
        'doc.deep.n': number('9007199254740993'),
      }),
    );
    await client.db('shop').collection('types').drop();
  });

  it('sums without losing a cent or a digit', async () => {
    const sums = { _id: null, total: { $sum: '$total' }, most: { $max: '$seq' } };
    expect(await aggregate([{ $group: sums }])).toEqual(
      row({ _id: { kind: 'null' }, total: number('448.50'), most: number('9007199254741292') }),
    );
  });

  it('may turn a condition into a column', async () => {
    const open = { $sum: { $cond: [{ $eq: ['$status', 'open'] }, 1, 0] } };
    const stages = [
      { $group: { _id: null, open, all: { $sum: 1 } } },
      { $project: { _id: 0, ok: { $cond: [{ $gt: ['$all', '$open'] }, 1, 0] } } },
    ];
    expect(await aggregate(stages)).toEqual(row({ ok: number('1') }));
  });

  it('has the time of the backup as a variable', async () => {
    const backupCreatedAt = new Date('2026-11-02T00:00:00Z');
    const before = { $expr: { $lt: ['$at', '$$backup_created_at'] } };
    expect(await count(before, { backupCreatedAt })).toEqual(row({ n: number('24') }));
    expect(
      await aggregate(
        [
          one,
          { $project: { _id: 0, same: { $eq: ['$$backup_created_at', { $date: '2026-11-02T00:00:00Z' }] } } },
        ],
        {
          backupCreatedAt,
        },
      ),
    ).toEqual(row({ same: { kind: 'boolean', value: true } }));
  });

  it('that fails has its code', async () => {
    expect(await count({ total: { $nope: 1 } })).toMatchObject({ kind: 'query_failed', code: '2' });
    expect(await aggregate([{ $nope: {} }])).toMatchObject({ kind: 'query_failed', code: '40324' });
    expect(await count({ _id: { $oid: 'nope' } })).toMatchObject({ kind: 'query_failed' });
    expect(running.output()).toContain('code 40324');
  });

  it('writes where it may, and later ones see it', async () => {
    const copy = [{ $match: { status: 'open' } }, { $out: 'copy' }];
    expect(await aggregate(copy, { readOnly: true })).toMatchObject({ kind: 'query_failed', code: '20' });
    expect(await ask({ collection: 'copy', filter: {} })).toEqual(row({ n: number('0') }));
    expect(await aggregate(copy)).toEqual({ kind: 'no_rows' });
    expect(await ask({ collection: 'copy', filter: {} }, { readOnly: true })).toEqual(
      row({ n: number('75') }),
    );
    await client.db('shop').collection('copy').drop();
  });

  it('whose row is huge does not come in whole', async () => {
    const long = 'x'.repeat(200_000);
    const all = { $group: { _id: null, big: { $push: { $concat: ['$status', long] } } } };
    expect(await aggregate([all])).toEqual({ kind: 'row_too_large' });
    const some = { $project: { big: { $concat: [long, long] } } };
    expect(await aggregate([{ $limit: 1 }, some])).toEqual({ kind: 'row_too_large' });
  });

  const endless = [1, 2, 3, 4, 5].flatMap((level) => [
    { $lookup: { from: 'orders', pipeline: [], as: `l${level}` } },
    { $unwind: `$l${level}` },
  ]);

  it('over its time limit is killed on the server, and the next one runs', async () => {
    const begun = Date.now();
    expect(await aggregate([...endless, { $count: 'n' }], SHORT)).toEqual({ kind: 'timeout' });
    expect(Date.now() - begun).toBeLessThan(STOPPED_MS);
    const { inprog } = await client.db('admin').command({ currentOp: 1 });
    expect(
      inprog.filter((op: { op: string; secs_running: number }) => op.secs_running > 0 && op.op === 'command'),
    ).toEqual([]);
    expect(await count({})).toEqual(row({ n: number('300') }));
  });

  it('that the server never answers is left behind at its limit', async () => {
    await signalAll('STOP');
    const begun = Date.now();
    expect(await count({}, SHORT)).toEqual({ kind: 'timeout' });
    expect(Date.now() - begun).toBeLessThan(STOPPED_MS);
    await signalAll('CONT');
    expect(await count({})).toEqual(row({ n: number('300') }));
  });

  it('may be given up', async () => {
    const stop = AbortSignal.timeout(200);
    const check = mongoQuestion({
      database: 'shop',
      collection: 'orders',
      aggregate: [...endless, { $count: 'n' }],
    });
    const options = { database: 'shop', timeoutMs: 5_000, onOutput: () => undefined };
    await expect(running.server.ask(check, options, stop)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('of a server that is gone says so', async () => {
    await client.close();
    await running.scratch.destroy();
    expect(await count({})).toEqual({ kind: 'server_lost' });
  });

  /** Every process of the cell but the one that holds it up and the one that sends the signal. */
  async function signalAll(signal: 'STOP' | 'CONT'): Promise<void> {
    const script = `for p in /proc/[0-9]*; do
      id=\${p#/proc/}
      case $(cat $p/comm 2>/dev/null) in mongod|ferretdb|postgres) kill -${signal} $id ;; esac
    done`;
    const { exitCode } = await running.scratch.exec(
      { argv: ['sh', '-c', script] },
      AbortSignal.timeout(10_000),
    );
    expect(exitCode).toBe(0);
  }
}
