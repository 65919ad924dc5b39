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
CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE VIEW words WITH (security_barrier, check_option = local) AS SELECT * FROM note WHERE word IN ('one', 'two') OR (word LIKE 't%' AND length(word) > 1);
${['int', 'text'].map((last) => `CREATE FUNCTION long(${LONG}, ${last}) RETURNS int LANGUAGE sql AS 'SELECT 1';`).join('\n')}
`;

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
  /** Dumps a database into a scratch, and holds it against what was recorded. */
  const compared = async (
    { restore, server: scratch }: Pick<Running, 'restore' | 'server'>,
    database: string,
    expected: FidelityManifest,
  ): Promise<FidelityRecord> => {
    const facts = await postgresLiveDumper.survey(uri(database), never());
    const dump = postgresLiveDumper.dump(uri(database), facts, bench.host, bench.base);
    const { databases } = await restore(dump, FACTS);
    return compareFidelity(expected, await scratch.recordFidelity(databases, FULL, never()));
  };

  it(`is what comes back, while others change the source (${RUNS} times)`, async () => {
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
  });

  it('is not what comes back with one value, row, sequence or index changed, and is whatever the order and the settings', async () => {
    const expected = await recorded(uri('shop'));
    expect(fidelityManifestSchema.parse(expected).unavailable).toHaveLength(1);
    await bench.within(FACTS, async (running) => {
      const with_ = async (name: string, change: string): Promise<FidelityRecord> => {
        await server.sql('postgres', `CREATE DATABASE ${name} TEMPLATE shop`);
        await server.sql(name, change);
        return await compared(running, name, expected);
      };
      const differing = async (name: string, change: string) => {
        const record = await with_(name, change);
        expect(record).toMatchObject({ verdict: 'different' });
        return record.differences?.map(({ database: _, ...one }) => one);
      };
      expect(
        await with_(
          'moved',
          `CREATE TABLE moved AS SELECT * FROM shop.item ORDER BY random(); SET session_replication_role = replica;
           DELETE FROM shop.item; INSERT INTO shop.item SELECT * FROM moved ORDER BY random(); DROP TABLE moved;
           ALTER DATABASE moved SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE moved SET extra_float_digits = -5;
           ALTER DATABASE moved SET IntervalStyle = 'sql_standard'; ALTER DATABASE moved SET DateStyle = 'German';
           ALTER DATABASE moved SET bytea_output = 'escape'; ALTER DATABASE moved SET quote_all_identifiers = on;
           ALTER DATABASE moved SET statement_timeout = 1`,
        ),
      ).toMatchObject({ verdict: 'equal', compared: { contents: 12, sequences: 2, sentinels: 1 } });
      const table = 'public.letter';
      expect(await differing('value', `UPDATE letter SET word = 'One' WHERE word = 'one'`)).toEqual([
        { what: 'table', name: table, difference: 'content' },
      ]);
      expect(await differing('row', `DELETE FROM letter WHERE word = 'one'`)).toEqual([
        {
          what: 'table',
          name: table,
          difference: 'rows',
          expected: expect.any(String),
          found: expect.any(String),
        },
      ]);
      expect(
        await differing(
          'doubled',
          `DELETE FROM letter WHERE ctid = (SELECT max(ctid) FROM letter); INSERT INTO letter SELECT word FROM letter LIMIT 1`,
        ),
      ).toEqual([{ what: 'table', name: table, difference: 'content' }]);
      expect(await differing('sequence', `SELECT setval('down', -99999)`)).toEqual([
        { what: 'sequence', name: 'public.down', difference: 'value' },
      ]);
      expect(await differing('index', 'DROP INDEX shop.item_name')).toEqual([
        { what: 'object', part: 'index', name: 'shop.item_name', difference: 'missing' },
      ]);
      expect(
        await differing(
          'guards',
          `ALTER DOMAIN positive DROP CONSTRAINT positive_check; ALTER VIEW words RESET (security_barrier);
           DROP FUNCTION long(${LONG}, text)`,
        ),
      ).toEqual([
        { what: 'object', part: 'view', name: 'public.words', difference: 'definition' },
        { what: 'object', part: 'constraint', name: 'public.positive.positive_check', difference: 'missing' },
        {
          what: 'object',
          part: 'function',
          name: expect.stringContaining('public.long('),
          difference: 'missing',
        },
      ]);
      expect(
        await differing(
          'sentinel',
          `UPDATE shop.item SET name = 'x' WHERE id = 7; DROP VIEW words; CREATE VIEW words AS SELECT 1 AS a`,
        ),
      ).toEqual([
        { what: 'table', name: 'shop.item', difference: 'content' },
        { what: 'object', part: 'view', name: 'public.words', difference: 'definition' },
        { what: 'sentinel', name: 'shop.item', difference: 'content' },
      ]);
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
