import { describe, expect, it } from 'vitest';
import { MONGO_EXAMPLES } from '../../../../test/support/mongo-examples.ts';
import { parseConfig } from './parse-config.js';

const where = { file: 'config.yaml', baseDirectory: '/etc' };

const faultsOf = (text: string) => {
  const parsed = parseConfig(text, where);
  return parsed.ok ? [] : parsed.faults;
};

/** The MongoDB examples of "Writing a check", as they stand there. */
const EXAMPLES = `
sources:
- slug: app
  kind: mongodb
  connection: { uri: env:RESTORABLE_DB_URI }
  checks:
  - open-orders
  - orders-total
  - app-collections
  - enough-orders
checks:
${MONGO_EXAMPLES}- id: enough-orders
  summary_find:
    database: app
    collection: orders
    aggregate:
      - $count: n
      - $project: { ok: { $cond: [{ $gt: ["$n", 1000] }, 1, 0] } }
  expect: "ok == 1"
`;

it('the examples load as written', () => {
  const parsed = parseConfig(EXAMPLES, where);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const finds = parsed.config.sources[0]?.checks.map(({ question }) =>
    question.kind === 'mongodb' ? question.summaryFind : undefined,
  );
  expect(finds).toHaveLength(4);
  expect(finds?.[0]).toEqual(
    new Map<string, unknown>([
      ['database', 'app'],
      ['collection', 'orders'],
      ['filter', new Map([['status', 'open']])],
    ]),
  );
  const pipeline = finds?.[1]?.get('aggregate');
  const and = [new Map([['$gt', ['$total', 10000]]]), new Map([['$gt', ['$n', 50]]])];
  const cond = new Map([['$cond', [new Map([['$and', and]]), 1, 0]]]);
  expect(Array.isArray(pipeline) && pipeline.at(-1)).toEqual(
    new Map([['$project', new Map([['ok', cond]])]]),
  );
  expect(finds?.[2]?.get('list_collections')).toBe(true);
});

describe('the faults of a configuration', () => {
  const MONGODB = `
sources:
  - { slug: m, kind: mongodb, connection: { uri: env:M }, checks: [c] }
`;

  it.each([
    ['{}', ['summary_find', 'summary_find.database']],
    ['5', ['summary_find']],
    ['[]', ['summary_find']],
    ['{ database: a, collection: b, filter: open }', ['summary_find.filter']],
    ['{ database: a, collection: b, filter: }', ['summary_find.filter']],
    ['{ database: a, collection: b, filter: {}, aggregate: [] }', ['summary_find.aggregate']],
    ['{ database: a, collection: b, fitler: {} }', ['summary_find', 'summary_find.fitler']],
    ['{ database: a, collection: 5, filter: {} }', ['summary_find.collection']],
    ['{ database: "", collection: b, filter: {} }', ['summary_find.database']],
    ['{ database: a, list_collections: true, filter: {} }', ['summary_find.filter']],
    ['{ database: a, list_collections: true, aggregate: [] }', ['summary_find.aggregate']],
    ['{ database: a, list_collections: "true" }', ['summary_find.list_collections']],
    [
      '{ database: a, list_collections: true, collection: b, filter: {} }',
      ['summary_find.collection', 'summary_find.filter'],
    ],
    ['{ database: a, collection: b, filter: { n: -9007199254740993 } }', ['summary_find.filter.n']],
    ['{ database: a, collection: b, filter: { n: .inf } }', ['summary_find.filter.n']],
    ['{ database: a, collection: b, filter: { n: 1, n: 2 } }', ['summary_find.filter.n']],
    [
      '{ database: a, collection: b, aggregate: [{ $match: {} }, { $out: x }] }, read_only: true',
      ['summary_find.aggregate[1].$out'],
    ],
    [
      '{ database: a, collection: b, aggregate: [{ $merge: { into: x } }] }, read_only: true',
      ['summary_find.aggregate[0].$merge'],
    ],
  ])('are found in the question %s to MongoDB', (find, paths) => {
    const text = `${MONGODB}checks: [{ id: c, summary_find: ${find}, expect: n == 1 }]`;
    expect(faultsOf(text).map(({ path }) => path)).toEqual(paths.map((path) => `checks[0].${path}`));
  });

  it.each([
    ['$date: yesterday', 'a time with its zone'],
    ['$date: "2026-11-20T03:00:00"', 'a time with its zone'],
    ['$date: 2026-13-01', 'a time with its zone'],
    ['$date: null', 'a time with its zone'],
    ['$oid: "12"', '24 hexadecimal digits in quotes'],
    ['$oid: 12', '24 hexadecimal digits in quotes'],
    ['$numberInt: "2147483648"', 'a whole number of 32 bits'],
    ['$numberLong: 1.5', 'a whole number of 64 bits'],
    ['$numberDouble: x', 'a number in quotes'],
    ['$numberDecimal: 73859.36', 'a decimal number in quotes'],
    ['$uuid: 1234', 'a UUID in quotes'],
  ])('are found in Extended JSON: { %s }, where it stands', (wrapper, like) => {
    const key = wrapper.split(':')[0];
    const asked = (within: string) => `
checks:
  - id: c
    expect: n == 1
    summary_find:
      database: a
      collection: b
      ${within}`;
    expect(faultsOf(MONGODB + asked(`filter: { at: { $gt: { ${wrapper} } } }`))).toMatchObject([
      {
        path: `checks[0].summary_find.filter.at.$gt.${key}`,
        line: 11,
        column: 32 + (key?.length ?? 0),
        message: expect.stringMatching(`^\\${key} takes ${like}`),
      },
    ]);
    expect(faultsOf(MONGODB + asked(`aggregate: [{ $match: { a: [{ ${wrapper} }] } }]`))).toMatchObject([
      { path: `checks[0].summary_find.aggregate[0].$match.a[0].${key}`, line: 11 },
    ]);
  });

  it.each([
    '$date: "2026-11-20T03:00:00Z"',
    '$date: 2026-11-20',
    '$date: 2026-11-20T03:00:00.123+01:00',
    '$date: { $numberLong: "1795000000000" }',
    '$date: 1795000000000',
    '$oid: 65f0c0ffee65f0c0ffee65f0',
    '$numberLong: "-9007199254740993"',
    '$numberInt: 5',
    '$numberDouble: "-Infinity"',
    '$numberDecimal: "73859.36"',
    '$numberDecimal: "1E-3"',
    '$uuid: 00112233-4455-6677-8899-aabbccddeeff',
    '$date: yesterday, of: a document',
    '$regularExpression: { pattern: "^a", options: i }',
  ])('are none in { %s }', (wrapper) => {
    const find = `{ database: a, collection: b, filter: { a: { ${wrapper} } } }`;
    expect(faultsOf(`${MONGODB}checks: [{ id: c, summary_find: ${find}, expect: n == 1 }]`)).toEqual([]);
  });

  it('are none in a question to MongoDB that reads, or was not asked to', () => {
    const asks = (keys: string) => faultsOf(`${MONGODB}checks: [{ id: c, ${keys}, expect: a.b == 1 }]`);
    expect(
      asks('read_only: true, summary_find: { database: a, collection: b, filter: { $out: 1 } }'),
    ).toEqual([]);
    expect(asks('summary_find: { database: a, collection: b, aggregate: [{ $out: x }] }')).toEqual([]);
  });

  it('tell that a source of MongoDB cannot be asked SQL, also by defaults', () => {
    const sql = 'checks: [{ id: c, summary_sql: SELECT 1 AS n, expect: n == 1 }]';
    const message = 'the check c has a summary_sql, which a source of kind mongodb cannot be asked';
    expect(faultsOf(MONGODB + sql)).toMatchObject([
      { path: 'sources[0].checks[0]', code: 'reference', line: 3, message },
    ]);
    const inherited = MONGODB.replace(', checks: [c]', '');
    expect(faultsOf(`${inherited}defaults: { checks: [c] }\n${sql}`)).toMatchObject([
      { path: 'sources[0].checks[0]', code: 'reference', line: 3, message },
    ]);
  });
});
