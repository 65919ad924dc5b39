import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareFidelity } from './compare-fidelity.js';
import {
  type FidelityDatabase,
  type FidelityManifest,
  fidelityManifestSchema,
  fidelitySchema,
  MOST_NAMED,
  UNAVAILABLE,
} from './fidelity.js';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const DATABASE: FidelityDatabase = {
  name: 'shop',
  tables: [
    { name: 'public.item', rows: '1000', sha256: digest('a') },
    { name: 'public.note', rows: '2', sha256: digest('b') },
  ],
  sequences: [{ name: 'public.item_id_seq', low: '10', high: '20' }],
  extensions: [{ name: 'pg_trgm', version: '1.6' }],
  objects: [{ part: 'index', name: 'public.item_name', sha256: digest('c') }],
  sentinels: [{ table: 'item', key_sha256: digest('d'), sha256: digest('e') }],
};
const manifest = (
  database: Partial<FidelityDatabase> = {},
  more: Partial<FidelityManifest> = {},
): FidelityManifest => ({
  level: 'full',
  version: 1,
  major: 17,
  databases: [{ ...DATABASE, ...database }],
  unavailable: [],
  ...more,
});
const [ITEM, NOTE] = DATABASE.tables;
const tables = (item: object) => ({
  tables: [{ ...ITEM, name: 'public.item', ...item }, ...(NOTE ? [NOTE] : [])],
});
const moved = (low: string, high = low) => ({ sequences: [{ name: 'public.item_id_seq', low, high }] });

describe('what comes back', () => {
  it('equals what was recorded', () => {
    expect(compareFidelity(manifest(), manifest(moved('15')))).toEqual({
      verdict: 'equal',
      level: 'full',
      compared: { tables: 2, rows: '1002', contents: 2, sequences: 1, objects: 1, sentinels: 1 },
    });
  });

  it.each([
    [
      'a row',
      tables({ rows: '999', sha256: digest('f') }),
      { what: 'table', name: 'public.item', difference: 'rows', expected: '1000', found: '999' },
    ],
    [
      'a value',
      tables({ sha256: digest('f') }),
      { what: 'table', name: 'public.item', difference: 'content' },
    ],
    [
      'a table',
      { tables: DATABASE.tables.slice(1) },
      { what: 'table', name: 'public.item', difference: 'missing' },
    ],
    [
      'a table more',
      { tables: [...DATABASE.tables, { name: 'x', rows: '0' }] },
      { what: 'table', name: 'x', difference: 'unexpected' },
    ],
    [
      'a sequence that ran',
      moved('21'),
      { what: 'sequence', name: 'public.item_id_seq', difference: 'value' },
    ],
    [
      'a sequence that was reset',
      moved('9'),
      { what: 'sequence', name: 'public.item_id_seq', difference: 'value' },
    ],
    [
      'a sequence gone',
      { sequences: [] },
      { what: 'sequence', name: 'public.item_id_seq', difference: 'missing' },
    ],
    ['an extension', { extensions: [] }, { what: 'extension', name: 'pg_trgm', difference: 'missing' }],
    [
      'an index',
      { objects: [] },
      { what: 'object', part: 'index', name: 'public.item_name', difference: 'missing' },
    ],
    [
      'a definition',
      { objects: DATABASE.objects.map((one) => ({ ...one, sha256: digest('f') })) },
      { what: 'object', part: 'index', name: 'public.item_name', difference: 'definition' },
    ],
    [
      'a sentinel',
      { sentinels: [{ table: 'item', key_sha256: digest('d') }] },
      { what: 'sentinel', name: 'item', difference: 'missing' },
    ],
  ])('differs by %s', (_, change, difference) => {
    const record = compareFidelity(manifest(), manifest({ ...moved('15'), ...change }));
    expect(record).toMatchObject({
      verdict: 'different',
      differences: [{ database: 'shop', ...difference }],
    });
    expect(record.differences).toHaveLength(1);
  });

  it('is compared under another name where there is one database, and by names where there are several', () => {
    expect(compareFidelity(manifest(), manifest({ name: 'restored' }))).toMatchObject({ verdict: 'equal' });
    const two = { ...manifest(), databases: [DATABASE, { ...DATABASE, name: 'crm' }] };
    expect(compareFidelity(two, manifest()).differences).toEqual([
      { database: 'crm', what: 'database', name: 'crm', difference: 'missing' },
    ]);
  });

  it('of another major version has its definitions compared by name alone, and of another extension that is named', () => {
    const other = {
      objects: DATABASE.objects.map((one) => ({ ...one, sha256: digest('f') })),
      extensions: [{ name: 'pg_trgm', version: '1.7' }],
    };
    expect(compareFidelity(manifest(), manifest(other, { major: 18 }))).toMatchObject({
      verdict: 'equal',
      not_compared: [
        { what: 'definitions', reason: 'other_version' },
        { what: 'pg_trgm', reason: 'other_version' },
      ],
    });
    expect(compareFidelity(manifest(), manifest({ objects: [] }, { major: 18 }))).toMatchObject({
      verdict: 'different',
    });
  });

  it('whose definitions were told in an older way has them compared by name alone, and nothing more is unexpected', () => {
    const [index] = DATABASE.objects;
    if (index === undefined) throw new Error('there is an index');
    const told = {
      objects: [
        { ...index, sha256: digest('f') },
        { ...index, part: 'trigger state' },
      ],
    };
    expect(compareFidelity(manifest(), manifest(told, { definitions: 2 }))).toMatchObject({
      verdict: 'equal',
      not_compared: [{ what: 'definitions', reason: 'other_version' }],
    });
    expect(compareFidelity(manifest(), manifest({ objects: [] }, { definitions: 2 })).differences).toEqual([
      { database: 'shop', what: 'object', part: 'index', name: 'public.item_name', difference: 'missing' },
    ]);
    const [now, found] = [manifest({}, { definitions: 2 }), manifest(told, { definitions: 2 })];
    expect(compareFidelity(now, found).differences).toHaveLength(2);
  });

  it('of before PostgreSQL 12, which writes floats otherwise, has its rows counted, and its contents named', () => {
    const other = {
      tables: DATABASE.tables.map((table) => ({ ...table, sha256: digest('f') })),
      sentinels: DATABASE.sentinels.map((one) => ({ ...one, sha256: digest('f') })),
    };
    const [old, found] = [manifest({}, { major: 11 }), manifest(other, { major: 12 })];
    expect(compareFidelity(old, found)).toMatchObject({
      verdict: 'equal',
      compared: { tables: 2, contents: 0, sentinels: 0 },
      not_compared: [
        { what: 'definitions', reason: 'other_version' },
        { what: 'content', reason: 'other_version' },
        { what: 'item', reason: 'other_version' },
      ],
    });
    const gone = manifest(
      { sentinels: DATABASE.sentinels.map(({ sha256: _, ...one }) => one) },
      { major: 12 },
    );
    expect(compareFidelity(old, gone)).toMatchObject({
      differences: [{ what: 'sentinel', difference: 'missing' }],
    });
    expect(compareFidelity(manifest({}, { major: 12 }), manifest(other, { major: 17 }))).toMatchObject({
      verdict: 'different',
    });
  });

  it('that was not recorded at either side is named, and no difference', () => {
    for (const reason of UNAVAILABLE) {
      const unread = { tables: [{ name: 'public.item', unavailable: reason }, ...DATABASE.tables.slice(1)] };
      for (const [one, other] of [
        [manifest(unread), manifest()],
        [manifest(), manifest(unread)],
      ] as const)
        expect(compareFidelity(one, other)).toMatchObject({
          verdict: 'equal',
          not_compared: [{ what: 'public.item', reason }],
        });
    }
  });

  it('of which nothing was recorded is unavailable', () => {
    const none = manifest({}, { databases: [], unavailable: [{ what: 'databases', reason: 'no_rights' }] });
    expect(compareFidelity(none, manifest())).toMatchObject({ verdict: 'unavailable', reason: 'no_rights' });
  });

  it('differs in more than a receipt names: the first are named, and how many there are beyond', () => {
    const many = { tables: Array.from({ length: 250 }, (_, n) => ({ name: `t${n}`, rows: '1' })) };
    const record = compareFidelity(manifest(many), manifest({ tables: [] }));
    expect(record).toMatchObject({ differences: { length: MOST_NAMED }, more: 250 - MOST_NAMED });
    expect(fidelitySchema.parse(record)).toEqual(record);
  });
});

const name = fc.constantFrom('a', 'b', 'c', '"O""dd".x');
const hash = fc.constantFrom(...['a', 'b'].map(digest));
const reason = fc.constantFrom(...UNAVAILABLE);
const unique = <T>(one: fc.Arbitrary<T>, selector: (value: T) => string) =>
  fc.uniqueArray(one, { selector, maxLength: 4 });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const anyManifest = fc.record({
  level: fc.constantFrom('counts', 'full'),
  version: fc.constant(1),
  major: fc.constantFrom(15, 17),
  databases: unique(
    fc.record({
      name,
      tables: unique(
        fc.record({
          name,
          rows: fc.constantFrom('0', '1', '99999999999999999999'),
          sha256: optional(hash),
          unavailable: optional(reason),
        }),
        (table) => table.name,
      ),
      sequences: unique(
        fc.record({ name, low: fc.constant('-5'), high: fc.constantFrom('-5', '7') }),
        (one) => one.name,
      ),
      extensions: unique(fc.record({ name }), (one) => one.name),
      objects: unique(
        fc.record({ part: fc.constantFrom('index', 'view'), name, sha256: hash }),
        (one) => one.part + one.name,
      ),
      sentinels: unique(
        fc.record({ table: name, key_sha256: hash, sha256: optional(hash) }),
        (one) => one.key_sha256,
      ),
    }),
    (database) => database.name,
  ),
  unavailable: fc.array(fc.record({ what: fc.constantFrom('tables', 'objects', 'x'), reason }), {
    maxLength: 2,
  }),
});
const written = (value: unknown): FidelityManifest =>
  fidelityManifestSchema.parse(JSON.parse(JSON.stringify(value)));

it('whatever was recorded differs in nothing from itself, and a receipt can hold what any two come to', () => {
  fc.assert(
    fc.property(anyManifest, anyManifest, (one, other) => {
      const [a, b] = [written(one), written(other)];
      const settled = { ...a, databases: a.databases.map((database) => ({ ...database, sequences: [] })) };
      expect(compareFidelity(settled, settled).verdict).not.toBe('different');
      const record = compareFidelity(a, b);
      expect(fidelitySchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(
        JSON.parse(JSON.stringify(record)),
      );
    }),
  );
});
