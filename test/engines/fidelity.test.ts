import {
  compareFidelity,
  type FidelityManifest,
  type FidelityRecord,
  fidelityManifestSchema,
} from '@muster/core';
import { type FidelityAsked, postgresLiveDumper, type SourceSnapshot } from '@muster/engines';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DumpServer, dumpServer, fillSample } from '../support/dumps.ts';
import { type EngineBench, engineBench, never, type Running } from '../support/engine-bench.ts';
import { describeIn } from '../support/needs.ts';

const RUNS = Number(process.env['MUSTER_TEST_FIDELITY_RUNS'] ?? 2);
const FULL: FidelityAsked = {
  level: 'full',
  budgetMs: 60_000,
  sentinels: [{ table: 'shop.item', key: { id: 7 } }],
};
const FACTS = { format: 'custom', major: 15, databases: [] };

/** More arguments than a name has room for. */
const LONG = Array.from({ length: 30 }, (_, n) => `a_long_name_of_an_argument_${n} int`).join(', ');

/** What restores otherwise than it was written, and what depends on settings. */
const MORE = `
CREATE TABLE "O'""dd".kinds (kind varchar(9) CHECK (kind IN ('a', 'b')), f float8, n numeric, t timestamptz, i interval, raw bytea, m money, r regclass, x xml);
INSERT INTO "O'""dd".kinds VALUES ('a', 0.1, 1.10, now(), '1 mon -2 days', '\\x00ff', 12.5, 'pg_class', '<a/>'), (NULL, 'NaN', NULL, '-infinity', NULL, '', 0, '"O''""dd".kinds', NULL);
CREATE TABLE part (at date, n int) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX part_n ON part (n); INSERT INTO part VALUES ('2026-05-05', 1);
CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent); ALTER TABLE parent ADD COLUMN c int DEFAULT 7;
INSERT INTO parent VALUES (1); INSERT INTO child (a, b) VALUES (2, 3);
CREATE UNLOGGED TABLE fleeting AS SELECT 1 AS n;
CREATE TABLE note (word text); INSERT INTO note VALUES ('one'), ('two'), ('two');
CREATE TABLE letter (word text); INSERT INTO letter VALUES ('one'), ('two'), ('two'), ('three');
CREATE TABLE refers (id int REFERENCES shop.item, at timestamptz DEFAULT now(), twice int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO refers VALUES (1), (2); CREATE SEQUENCE down INCREMENT -3; SELECT nextval('down');
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON refers FOR EACH ROW WHEN (old.id IS DISTINCT FROM new.id) EXECUTE FUNCTION touched();
CREATE TRIGGER stamp BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION touched(); ALTER TABLE part_1 DISABLE TRIGGER stamp;
ALTER SEQUENCE down OWNED BY refers.id; ALTER TABLE note REPLICA IDENTITY FULL; ALTER TABLE shop.item REPLICA IDENTITY USING INDEX item_pkey;
CREATE DOMAIN lettered AS text COLLATE "C"; CREATE RULE kept AS ON DELETE TO note WHERE false DO INSTEAD NOTHING;
CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE VIEW words WITH (security_barrier, check_option = local) AS SELECT * FROM note WHERE word IN ('one', 'two') OR (word LIKE 't%' AND length(word) > 1);
${['int', 'text'].map((last) => `CREATE FUNCTION long(${LONG}, ${last}) RETURNS int LANGUAGE sql AS 'SELECT 1';`).join('\n')}
`;

/** All of it lies elsewhere, and is the same. */
const MOVED = `CREATE TABLE moved AS SELECT * FROM shop.item ORDER BY random(); SET session_replication_role = replica;
DELETE FROM shop.item; INSERT INTO shop.item SELECT * FROM moved ORDER BY random(); DROP TABLE moved;
ALTER DATABASE moved SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE moved SET extra_float_digits = -5;
ALTER DATABASE moved SET IntervalStyle = 'sql_standard'; ALTER DATABASE moved SET DateStyle = 'German';
ALTER DATABASE moved SET bytea_output = 'escape'; ALTER DATABASE moved SET quote_all_identifiers = on;
ALTER DATABASE moved SET statement_timeout = 1`;

/** A change, what it differs by at the level \`full\`, and at \`counts\` where that sees less. */
const CHANGES: readonly (readonly [string, string, readonly string[], (readonly string[])?])[] = [
  ['a_value', `UPDATE letter SET word = 'One' WHERE word = 'one'`, ['table public.letter content'], []],
  ['a_row', `DELETE FROM letter WHERE word = 'one'`, ['table public.letter rows']],
  ['a_row_twice', `INSERT INTO letter VALUES ('one')`, ['table public.letter rows']],
  [
    'a_row_for_another',
    `DELETE FROM letter WHERE word = 'one'; INSERT INTO letter VALUES ('two')`,
    ['table public.letter content'],
    [],
  ],
  ['a_sequence', `SELECT setval('down', -99999)`, ['sequence public.down value']],
  ['an_index', 'DROP INDEX shop.item_name', ['index shop.item_name missing']],
  [
    'a_sentinel',
    `UPDATE shop.item SET name = 'x' WHERE id = 7`,
    ['table shop.item content', 'sentinel shop.item content'],
    ['sentinel shop.item content'],
  ],
  [
    'definitions',
    `ALTER DOMAIN positive DROP CONSTRAINT positive_check; ALTER VIEW words RESET (security_barrier);
     DROP FUNCTION long(${LONG}, text); ALTER SEQUENCE down OWNED BY NONE;
     ALTER TABLE shop.item REPLICA IDENTITY DEFAULT; ALTER TABLE note REPLICA IDENTITY DEFAULT, DISABLE RULE kept;
     ALTER TABLE refers DISABLE TRIGGER touch, ALTER at DROP DEFAULT, ALTER twice DROP EXPRESSION;
     ALTER TABLE part_1 ENABLE TRIGGER stamp; DROP DOMAIN lettered; CREATE DOMAIN lettered AS text;
     ALTER TABLE shop.item DISABLE ROW LEVEL SECURITY; ALTER POLICY p ON shop.item USING (true);
     ALTER TABLE letter ALTER word TYPE text COLLATE "C"`,
    [
      ...['letter', 'note', 'refers'].map((name) => `table public.${name} definition`),
      'table shop.item definition',
      'view public.words definition',
      'index shop.item_pkey definition',
      'constraint public.positive.positive_check missing',
      expect.stringMatching(/^function public\.long\(.* missing$/),
      'trigger public.refers.touch definition',
      'trigger state public.part_1.stamp missing',
      'rule public.note.kept definition',
      'policy shop.item.p definition',
      'type public.lettered definition',
      'sequence public.down definition',
    ],
  ],
];

/** Each as a line: \`index shop.item_name missing\`. */
const told = ({ differences = [] }: FidelityRecord): readonly string[] =>
  differences.map(({ what, part, name, difference }) => `${part ?? what} ${name} ${difference}`);

describeIn(['bubblewrap 15'], 'what a PostgreSQL was when it was dumped', () => {
  let bench: EngineBench;
  let server: DumpServer;
  beforeAll(async () => {
    server = await dumpServer(15);
    await fillSample(server, 'shop');
    await server.sql('shop', `CREATE SCHEMA "O'""dd"; SET search_path = public; ${MORE}`);
    bench = await engineBench('bubblewrap 15');
  });
  afterAll(async () => {
    await bench?.close();
    await server?.close();
  });

  const uri = (database: string, user = 'postgres') =>
    `postgresql://${user}@/${database}?host=${encodeURIComponent(server.dir)}`;
  const withSnapshot = async <T>(of: string, use: (snapshot: SourceSnapshot) => Promise<T>): Promise<T> => {
    const facts = { ...FACTS, serverVersion: '15' };
    const snapshot = await postgresLiveDumper.openSnapshot(of, facts, never());
    if (snapshot === undefined) throw new Error('there is no snapshot');
    return await use(snapshot).finally(() => snapshot.close());
  };
  const recorded = (of: string, asked = FULL): Promise<FidelityManifest> =>
    withSnapshot(of, (snapshot) => snapshot.record(asked, Promise.resolve(), never()));
  /** What a database is after it was dumped, and restored into a scratch. */
  const restored = async (
    { restore, server: scratch }: Pick<Running, 'restore' | 'server'>,
    database: string,
  ): Promise<FidelityManifest> => {
    const facts = await postgresLiveDumper.survey(uri(database), never());
    const dump = postgresLiveDumper.dump(uri(database), facts, bench.host, bench.base);
    const { databases } = await restore(dump, FACTS);
    return await scratch.recordFidelity(databases, FULL, never());
  };

  it(
    `is what comes back, while others change the source (${RUNS} times)`,
    async () => {
      const stop = new AbortController();
      const change = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          await server.sql(
            'shop',
            `DO $$ BEGIN FOR i IN 1..40 LOOP
             INSERT INTO shop.item (name) VALUES ('new');
             UPDATE shop.item SET price = random() * 1000 WHERE id = 1 + floor(random() * 2000)::int;
             DELETE FROM note WHERE ctid IN (SELECT ctid FROM note LIMIT 1); INSERT INTO note VALUES (random()::text);
             PERFORM nextval('down'); COMMIT;
           END LOOP; TRUNCATE "O'""dd".kinds; INSERT INTO "O'""dd".kinds (f) SELECT random() FROM generate_series(1, 9); COMMIT; END $$`,
          );
        }
      };
      const writers = [change(), change()];
      try {
        const facts = await postgresLiveDumper.survey(uri('shop'), never());
        await bench.within(FACTS, async ({ ask, restore, server: scratch }) => {
          for (let run = 0; run < RUNS; run += 1) {
            const record = await withSnapshot(uri('shop'), async (snapshot) => {
              const options = { snapshot: snapshot.id };
              const dump = postgresLiveDumper.dump(uri('shop'), facts, bench.host, bench.base, options);
              const restoring = restore(dump, FACTS);
              const expected = await snapshot.record(FULL, restoring, never());
              const { databases } = await restoring;
              return compareFidelity(expected, await scratch.recordFidelity(databases, FULL, never()));
            });
            expect(record).toMatchObject({ verdict: 'equal', level: 'full', compared: { sentinels: 1 } });
            // What is emptied meanwhile no moment shows, and is named; both sequences were moved.
            const emptied = record.not_compared?.some(({ reason }) => reason === 'changed') ? 1 : 0;
            expect(record.compared).toMatchObject({ contents: 12 - emptied, sequences: 2 });
            await ask('postgres', 'DROP DATABASE shop');
          }
        });
      } finally {
        stop.abort();
        await Promise.all(writers);
      }
    },
    60_000 + RUNS * 15_000,
  );

  it('is not what comes back with one thing changed, and is whatever the order and the settings', async () => {
    const full = await recorded(uri('shop'));
    const counts = await recorded(uri('shop'), { ...FULL, level: 'counts' });
    expect(fidelityManifestSchema.parse(full).unavailable).toHaveLength(1);
    await bench.within(FACTS, async (running) => {
      const changed = async (name: string, change: string): Promise<FidelityManifest> => {
        await server.sql('postgres', `CREATE DATABASE ${name} TEMPLATE shop`);
        await server.sql(name, change);
        return await restored(running, name);
      };
      expect(compareFidelity(full, await changed('moved', MOVED))).toMatchObject({
        verdict: 'equal',
        compared: { contents: 12, sequences: 2, sentinels: 1 },
      });
      for (const [name, change, differences, counted = differences] of CHANGES) {
        const found = await changed(name, change);
        expect([name, ...told(compareFidelity(full, found))]).toEqual([name, ...differences]);
        expect([name, ...told(compareFidelity(counts, found))]).toEqual([name, ...counted]);
      }
    });
  });

  it('is named where it is not known: no rights, no time, in no dump', async () => {
    await server.sql(
      'shop',
      `CREATE ROLE half LOGIN; GRANT SELECT ON letter TO half; ALTER TABLE part_1 ENABLE ROW LEVEL SECURITY; GRANT SELECT ON part_1 TO half`,
    );
    const { databases, unavailable } = await recorded(uri('shop', 'half'));
    const of = (name: string) => databases[0]?.tables.find((table) => table.name === name);
    expect(of('public.letter')).toMatchObject({ rows: expect.any(String), sha256: expect.any(String) });
    expect(of('public.refers')).toEqual({ name: 'public.refers', unavailable: 'no_rights' });
    expect(of('public.part_1')).toEqual({ name: 'public.part_1', unavailable: 'no_rights' });
    expect(of('shop.mv')).toEqual({ name: 'shop.mv', unavailable: 'not_in_dump' });
    expect(unavailable).toContainEqual({ what: 'public.down', reason: 'no_rights' });
    const late = await recorded(uri('shop'), { ...FULL, budgetMs: 0 });
    expect(late.unavailable).toContainEqual({ what: 'tables', reason: 'budget' });
    expect(compareFidelity(late, late)).toMatchObject({
      not_compared: expect.arrayContaining([{ what: 'tables', reason: 'budget' }]),
    });
  });
});
