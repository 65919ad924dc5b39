import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EngineBench, engineBench, type Place, type Running } from '../support/engine-bench.ts';
import { describeIn, majorOf } from '../support/needs.ts';

const PLACES: readonly Place[] = ['docker 17', 'docker 15 by the bridge', 'bubblewrap 15'];
const FACTS = { format: 'custom', major: 15, databases: [] };
const row = (columns: Readonly<Record<string, unknown>>) => ({
  kind: 'row',
  row: { columns: Object.entries(columns).map(([name, value]) => ({ name, value })) },
});
const number = (text: string) => ({ kind: 'number', text });
const string = (text: string) => ({ kind: 'string', text });
/** The limit of a question that is not to end by itself, and what the server may take on top to be made to stop. */
const SHORT = { timeoutMs: 500 };
const STOPPED_MS = 7_500;

describeIn(PLACES, 'a question asked in %s', (place) => {
  let bench: EngineBench;
  let end: () => void;
  let running: Running;
  let ended: Promise<void>;
  beforeAll(async () => {
    bench = await engineBench(place);
    const started = Promise.withResolvers<Running>();
    ended = bench.within(FACTS, (server) => {
      started.resolve(server);
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    running = await Promise.race([started.promise, ended.then(() => Promise.reject(new Error('it ended')))]);
  });
  afterAll(async () => {
    end?.();
    await ended;
    await bench?.close();
  });
  const ask: Running['ask'] = (database, sql, options) => running.ask(database, sql, options);

  it('keeps numbers exact and tells each type by its meaning', async () => {
    expect(
      await ask(
        'postgres',
        `SELECT 9007199254740993::bigint AS big, 1.50::numeric AS exact, 1e-7::float8 AS small, 'NaN'::numeric AS nan,
          '-Infinity'::float4 AS inf, true AS yes, NULL::int AS gone, 'é'::varchar AS word, 'x'::"char" AS ch,
          'a5f0f0f0-0000-4000-8000-000000000000'::uuid AS id, '1'::money AS money, 'pg_class'::regclass AS reg,
          '2026-01-02'::date AS day, '{"a":1}'::jsonb AS doc, 26::oid AS oid`,
      ),
    ).toEqual(
      row({
        big: number('9007199254740993'),
        exact: number('1.50'),
        small: number('1e-07'),
        nan: { kind: 'non_finite', text: 'NaN' },
        inf: { kind: 'non_finite', text: '-Infinity' },
        yes: { kind: 'boolean', value: true },
        gone: { kind: 'null' },
        word: string('é'),
        ch: string('x'),
        id: string('a5f0f0f0-0000-4000-8000-000000000000'),
        money: { kind: 'other', type: 'money', text: '$1.00' },
        reg: { kind: 'other', type: 'regclass', text: 'pg_class' },
        day: { kind: 'other', type: 'date', text: '2026-01-02' },
        doc: { kind: 'other', type: 'jsonb', text: '{"a": 1}' },
        oid: number('26'),
      }),
    );
  });

  it('sees the types of the dump: enums, domains, citext', async () => {
    await ask('postgres', `CREATE TYPE mood AS ENUM ('so-so')`);
    await ask('postgres', 'CREATE DOMAIN "bıgınt" AS bigint');
    await ask('postgres', 'CREATE EXTENSION citext');
    expect(await ask('postgres', `SELECT 'so-so'::mood AS m, 5::"bıgınt" AS d, 'Ab'::citext AS c`)).toEqual(
      row({ m: string('so-so'), d: number('5'), c: string('Ab') }),
    );
  });

  it('keeps a column name that stands twice', async () => {
    expect(await ask('postgres', 'SELECT 1 AS n, 2 AS n')).toEqual({
      kind: 'row',
      row: {
        columns: [
          { name: 'n', value: number('1') },
          { name: 'n', value: number('2') },
        ],
      },
    });
  });

  it('has the time of the backup as a setting', async () => {
    const backupCreatedAt = new Date('2026-02-03T04:05:06.789Z');
    expect(
      await ask(
        'postgres',
        `SELECT (current_setting('muster.backup_created_at')::timestamptz = '2026-02-03 04:05:06.789Z') AS same`,
        { backupCreatedAt },
      ),
    ).toEqual(row({ same: { kind: 'boolean', value: true } }));
  });

  it('tells no row and several rows apart, and stops at the second', async () => {
    expect(await ask('postgres', 'SELECT 1 AS n WHERE false')).toEqual({ kind: 'no_rows' });
    expect(await ask('postgres', 'SELECT generate_series(1, 1000000000) AS n')).toEqual({
      kind: 'multiple_rows',
    });
  });

  it('is one statement', async () => {
    expect(await ask('postgres', 'SELECT 1; SELECT 2')).toMatchObject({
      kind: 'query_failed',
      code: '42601',
    });
  });

  it('that fails has its SQLSTATE', async () => {
    expect(await ask('postgres', 'SELECT nope')).toMatchObject({ kind: 'query_failed', code: '42703' });
    expect(await ask('nowhere', 'SELECT 1')).toMatchObject({ kind: 'query_failed', code: '3D000' });
  });

  it('writes where it may, and later ones see it', async () => {
    expect(await ask('postgres', 'CREATE TABLE written (n int)')).toEqual({ kind: 'no_rows' });
    expect(await ask('postgres', 'INSERT INTO written VALUES (1)', { readOnly: true })).toMatchObject({
      kind: 'query_failed',
      code: '25006',
    });
    expect(await ask('postgres', 'INSERT INTO written VALUES (1) RETURNING n')).toEqual(
      row({ n: number('1') }),
    );
    expect(await ask('postgres', 'SELECT count(*) AS n FROM written', { readOnly: true })).toEqual(
      row({ n: number('1') }),
    );
  });

  it('over its time limit is killed on the server, and the next one runs', async () => {
    const begun = Date.now();
    expect(await ask('postgres', 'SELECT pg_sleep(3600)', SHORT)).toEqual({ kind: 'timeout' });
    expect(Date.now() - begun).toBeLessThan(STOPPED_MS);
    expect(
      await ask(
        'postgres',
        `SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(3600)'`,
      ),
    ).toEqual(row({ n: number('0') }));
  });

  it('that catches its own cancellation is ended with its session', async () => {
    const stubborn = `DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`;
    expect(await ask('postgres', stubborn, SHORT)).toEqual({ kind: 'timeout' });
    expect(
      await ask(
        'postgres',
        `SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'`,
      ),
    ).toEqual(row({ n: number('0') }));
  });

  it('that the server cannot stop is left behind', async () => {
    const begun = Date.now();
    expect(await ask('postgres', `COPY written FROM PROGRAM 'trap "" INT TERM; sleep 15'`, SHORT)).toEqual({
      kind: 'timeout',
    });
    expect(Date.now() - begun).toBeLessThan(STOPPED_MS);
    expect(await ask('postgres', 'SELECT 1 AS n')).toEqual(row({ n: number('1') }));
  });

  it.each([256 * 1024, 257 * 1024, 300 * 1024, 40 * 1024 * 1024])(
    'whose answer has %i bytes does not come in whole',
    async (bytes) => {
      expect(await ask('postgres', `SELECT repeat('x', ${bytes}) AS big`)).toEqual({ kind: 'row_too_large' });
    },
  );

  it('that ends its own session has failed, and the next one runs', async () => {
    expect(await ask('postgres', 'SELECT pg_terminate_backend(pg_backend_pid())')).toMatchObject({
      kind: 'query_failed',
      code: '57P01',
    });
    expect(await ask('postgres', 'SELECT 1 AS n')).toEqual(row({ n: number('1') }));
  });

  it('is not bent by what the dump set on its database or on our role', async () => {
    for (const setting of [
      'statement_timeout = 1',
      "session_preload_libraries = 'nowhere'",
      'extra_float_digits = -3',
      "DateStyle = 'SQL, DMY'",
      'default_transaction_read_only = on',
    ]) {
      await ask('postgres', `ALTER DATABASE postgres SET ${setting}`);
      await ask('postgres', `ALTER ROLE postgres SET ${setting}`);
    }
    expect(
      await ask(
        'postgres',
        "SELECT 0.1::float8 + 0.2::float8 AS f, '2026-02-01'::date::text AS d, pg_sleep(0.01)::text AS s",
      ),
    ).toEqual(row({ f: number('0.30000000000000004'), d: string('2026-02-01'), s: string('') }));
    expect(await ask('postgres', 'INSERT INTO written VALUES (2) RETURNING n')).toEqual(
      row({ n: number('2') }),
    );
  });

  // 17 is the first to have login triggers.
  if (majorOf(place) === 17) {
    it('does not run login triggers of the dump', async () => {
      await ask(
        'postgres',
        'CREATE FUNCTION hang() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3600); END $$',
      );
      await ask('postgres', 'CREATE EVENT TRIGGER hang ON login EXECUTE FUNCTION hang()');
      await ask('postgres', 'ALTER EVENT TRIGGER hang ENABLE ALWAYS');
      expect(await ask('postgres', 'SELECT 1 AS n')).toEqual(row({ n: number('1') }));
    });
  }

  it('after which we are not let in any more has failed within its limit', async () => {
    await ask('postgres', `COPY (SELECT 'local all all reject') TO PROGRAM 'cat > $PGDATA/pg_hba.conf'`);
    await ask('postgres', 'SELECT pg_reload_conf()');
    const answer = await ask('postgres', 'SELECT 1 AS n', { timeoutMs: 3_000 });
    expect(answer).toMatchObject({ kind: 'server_lost' });
  });

  it('of a server that is gone says so', async () => {
    await running.scratch.destroy();
    expect(await ask('postgres', 'SELECT 1 AS n')).toEqual({ kind: 'server_lost' });
  });
});
