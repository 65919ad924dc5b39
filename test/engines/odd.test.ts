import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresEngine } from '@muster/engines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpFormat, type DumpServer, dumpServer } from '../support/dumps.ts';
import { artefactOf, type EngineBench, engineBench, never } from '../support/engine-bench.ts';
import { canRunIn } from '../support/needs.ts';

const FORMATS: readonly DumpFormat[] = ['custom', 'plain'];
const number = (text: string) => ({ kind: 'number', text });
const n = (text: string) => ({ kind: 'row', row: { columns: [{ name: 'n', value: number(text) }] } });
const code = (reason: string) => expect.objectContaining({ code: reason });

describe.runIf(canRunIn('bubblewrap') && canRunIn('docker'))('an odd dump', () => {
  let bench: EngineBench;
  let server: DumpServer;
  let folder: string;
  let count = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-odd-'));
    server = await dumpServer(15);
    bench = await engineBench('bubblewrap 15');
  });
  afterAll(async () => {
    await bench?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const fresh = (): string => {
    count += 1;
    return `odd${count}`;
  };
  const made = async (sql: string, format: DumpFormat, create = '', args: readonly string[] = []) => {
    const database = fresh();
    await server.sql('postgres', `CREATE DATABASE ${database} ${create}`);
    await server.sql(database, sql);
    const path = join(folder, database);
    await server.dump(database, format, path, args);
    return path;
  };
  /** A plain dump with something more in front of its first statement. */
  const plainWith = async (sql: string, more: string) => {
    const path = await made(sql, 'plain');
    const text = await readFile(path, 'utf8');
    await writeFile(
      path,
      text.replace('SET statement_timeout = 0;\n', (found) => `${found}${more}\n`),
    );
    return path;
  };
  const restoring = (path: string) => bench.restored(path, async ({ report }) => report);

  describe.each(FORMATS)('that is healthy, %s, is restored', (format) => {
    it.each([
      [
        'of an own schema public',
        "ALTER SCHEMA public OWNER TO CURRENT_USER; COMMENT ON SCHEMA public IS 'ours'; GRANT ALL ON SCHEMA public TO PUBLIC",
      ],
      [
        'of a database without schema public',
        'DROP SCHEMA public; CREATE SCHEMA app; CREATE TABLE app.t (n int)',
      ],
      [
        'with extensions and comments on them',
        'CREATE EXTENSION hstore; CREATE SCHEMA ext; CREATE EXTENSION pgcrypto SCHEMA ext',
      ],
      [
        'with an event trigger',
        "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e()",
      ],
      [
        'with a publication and a foreign server',
        "CREATE TABLE t (n int); CREATE PUBLICATION p FOR TABLE t; CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1'); CREATE USER MAPPING FOR CURRENT_USER SERVER s",
      ],
      [
        'with a sequence, identity and generated columns',
        'CREATE TABLE t (n int GENERATED ALWAYS AS IDENTITY, m int GENERATED ALWAYS AS (1) STORED); INSERT INTO t DEFAULT VALUES',
      ],
    ])('%s', async (_, sql) => {
      expect((await restoring(await made(sql, format))).warnings).toEqual([]);
    });

    it.each([
      ['LATIN1', "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"],
      ['SQL_ASCII', "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"],
      ['UTF8', "LOCALE_PROVIDER icu ICU_LOCALE 'de-AT' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"],
    ])('in %s, %s', async (encoding, create) => {
      const path = await made("CREATE TABLE t (s text); INSERT INTO t VALUES ('caf\u00e9')", format, create);
      await bench.restored(path, async ({ ask, database }) => {
        const asked = `SELECT count(*) AS n FROM pg_database d, t WHERE datname = current_database()
          AND pg_encoding_to_char(encoding) = '${encoding}'`;
        expect(await ask(database, asked)).toEqual(n('1'));
      });
    });

    it.each(['LATIN1', 'SQL_ASCII', 'UTF8'])(
      'in %s, with a role whose name is not ASCII',
      async (encoding) => {
        const create = `ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`;
        const role = `"b\u00fc ${encoding} ${format}"`;
        const path = await made(
          `SET client_encoding = 'UTF8'; CREATE ROLE ${role}; CREATE TABLE t (n int); ALTER TABLE t OWNER TO ${role};
        DO $$ BEGIN EXECUTE format('ALTER ROLE ${role} IN DATABASE %I SET work_mem = 1000', current_database()); END $$`,
          format,
          create,
          ['--create'],
        );
        await bench.restored(path, async ({ report, ask, database }) => {
          expect(report.warnings).toEqual([]);
          const asked = `SELECT count(*) AS n FROM pg_tables t JOIN pg_roles r ON r.rolname = t.tableowner
          JOIN pg_db_role_setting s ON s.setrole = r.oid WHERE t.tablename = 't'`;
          expect(await ask(database, asked)).toEqual(n('1'));
        });
      },
    );

    it('of the database postgres', async () => {
      const path = join(folder, fresh());
      await server.sql('postgres', 'CREATE TABLE IF NOT EXISTS mine (n int)');
      await server.dump('postgres', format, path, ['--create']);
      await bench.restored(path, async ({ ask, database }) => {
        expect(database).toBe('postgres');
        expect(await ask('postgres', 'SELECT count(*) AS n FROM mine')).toEqual(n('0'));
      });
    });

    it('of the database template1', async () => {
      const path = join(folder, fresh());
      await server.dump('template1', format, path, ['--create']);
      expect((await restoring(path)).databases).toEqual(['template1']);
    });

    it('made with --clean --if-exists', async () => {
      const path = await made('CREATE TABLE t (n int)', format, '', ['--clean', '--if-exists']);
      expect((await restoring(path)).warnings).toEqual([]);
    });
  });

  it('whose database has a name that is more than a name elsewhere is restored', async () => {
    const path = join(folder, fresh());
    const name = `it's host=x "a" \\`;
    await server.sql('postgres', `CREATE DATABASE "${name.replaceAll('"', '""')}"`);
    await server.dump(`dbname='${name.replace(/[\\']/g, '\\$&')}'`, 'custom', path);
    expect((await restoring(path)).databases).toEqual([name]);
  });

  it.each([
    ['sets what this server does not know', 'SET transaction_timeout = 0;', '42704', 'SET'],
    ['makes the language plpgsql again', 'CREATE LANGUAGE plpgsql;', '42710', 'CREATE EXTENSION'],
  ])('that %s is restored, with a warning', async (_, more, sqlstate, statement) => {
    const { warnings } = await restoring(await plainWith('CREATE TABLE t (n int)', more));
    expect(warnings).toEqual([{ sqlstate, statement, count: 1 }]);
  });

  it.each([
    ['sets something known to what it cannot be', "SET DateStyle = 'nonsense';"],
    ['makes a schema twice', 'CREATE SCHEMA twice; CREATE SCHEMA twice;'],
    ['names a table that is not there', 'ALTER TABLE nowhere ADD COLUMN n int;'],
    [
      'raises what looks harmless',
      `DO $$ BEGIN RAISE 'schema "public" already exists' USING ERRCODE = '42P06'; END $$;`,
    ],
    ['hides its errors from the log', 'SET log_min_messages = panic; ALTER TABLE nowhere ADD COLUMN n int;'],
    ['hides its errors from psql', 'SET client_min_messages = panic; ALTER TABLE nowhere ADD COLUMN n int;'],
    ['begins a transaction that nobody ends', 'BEGIN;'],
    ['locks out its own superuser', 'ALTER ROLE postgres NOLOGIN;'],
    [
      'locks everybody out, and then names a role',
      'UPDATE pg_database SET datallowconn = false; ALTER SCHEMA public OWNER TO somebody;',
    ],
    [
      'takes all rights from its own superuser, and then names a role',
      'ALTER ROLE postgres NOSUPERUSER NOCREATEROLE; ALTER SCHEMA public OWNER TO anybody;',
    ],
    ['ends its own session', 'SELECT pg_terminate_backend(pg_backend_pid());'],
  ])('that %s has failed', async (_, more) => {
    await expect(restoring(await plainWith('CREATE TABLE t (n int)', more))).rejects.toEqual(
      code('restore_failed'),
    );
  });

  it('that asks for a tablespace which is not there is restored', async () => {
    const path = await plainWith('CREATE TABLE t (n int)', 'SET default_tablespace = fast;');
    expect((await restoring(path)).warnings).toEqual([]);
  });

  it('that takes more memory than the scratch has could not be judged', async () => {
    const docker = await engineBench('docker 15');
    const greedy = `DO $$ DECLARE a text := 'x'; BEGIN FOR i IN 1..29 LOOP a := a || a; END LOOP; END $$;`;
    const path = await plainWith('CREATE TABLE t (n int)', greedy);
    const limits = { memoryBytes: 192 * 1024 * 1024 };
    try {
      await expect(docker.restored(path, async () => 0, { limits })).rejects.toEqual(
        code('scratch_out_of_memory'),
      );
    } finally {
      await docker.close();
    }
  });

  it('that stops its server could not be judged', async () => {
    const path = await plainWith(
      'CREATE TABLE t (n int)',
      `DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''kill -QUIT $(head -1 "$PGDATA/postmaster.pid")'''; END $$;`,
    );
    await expect(restoring(path)).rejects.toEqual(code('scratch_lost'));
  });

  it('that needs an extension which is not there could not be judged, and names it', async () => {
    const path = await plainWith('CREATE TABLE t (n int)', 'CREATE EXTENSION postgis;');
    const missing = expect.objectContaining({
      code: 'extension_missing',
      message: expect.stringMatching(/postgis/),
    });
    await expect(restoring(path)).rejects.toEqual(missing);
  });

  it.each([
    ['a collation of its operating system', 'CREATE TABLE c (s text COLLATE pg_catalog."tlh_KX.utf8");'],
    ['a locale', "CREATE COLLATION public.k (provider = libc, locale = 'tlh_KX.utf8');"],
  ])('that needs %s which is not there could not be judged', async (_, more) => {
    await expect(restoring(await plainWith('CREATE TABLE t (n int)', more))).rejects.toEqual(
      code('locale_missing'),
    );
  });

  it('larger than the scratch is no fault of the dump', async () => {
    const path = await made(
      "CREATE TABLE t AS SELECT g, repeat('x', 1000) AS s FROM generate_series(1, 300000) g",
      'custom',
    );
    const limits = { diskBytes: 128 * 1024 * 1024 };
    await expect(bench.restored(path, async () => 0, { limits })).rejects.toEqual(code('scratch_disk_full'));
  });

  it('tells how far it is within one large table, up to its end', async () => {
    const path = await made(
      `CREATE FUNCTION slow(n int) RETURNS boolean LANGUAGE sql AS $$ SELECT CASE
         WHEN n = 100 AND current_setting('application_name') = 'muster restore' THEN pg_sleep(3)::text = '' ELSE true END $$;
       CREATE TABLE large (n int CHECK (slow(n)), s text);
       INSERT INTO large SELECT g, md5(g::text) FROM generate_series(1, 100000) g;
       CREATE TABLE small AS SELECT 1 AS n`,
      'custom',
    );
    const { sizeBytes } = await artefactOf(path);
    const told: number[] = [];
    await bench.restored(path, async () => undefined, {
      restore: { onProgress: ({ bytes }) => void told.push(bytes) },
    });
    expect(told.length).toBeGreaterThan(1);
    expect(told[0]).toBeGreaterThan(0);
    expect(told[0]).toBeLessThan(sizeBytes / 2);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(sizeBytes);
  });

  it('can be stopped in the middle', async () => {
    const path = await plainWith('CREATE TABLE t (n int)', 'SELECT pg_sleep(3600);');
    const artefact = await artefactOf(path);
    const facts = await postgresEngine.identify(artefact, never());
    await bench.within(facts, async ({ server: running, ask, scratch }) => {
      const stop = new AbortController();
      const options = {
        facts,
        fallbackDatabase: 'x',
        jobs: 1,
        onProgress: () => undefined,
        onOutput: () => undefined,
      };
      const restoring = running.restore(artefact, options, stop.signal);
      const asleep = "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(3600)%'";
      while (JSON.stringify(await ask('postgres', asleep)) !== JSON.stringify(n('1')));
      stop.abort();
      await expect(restoring).rejects.toEqual(code('cancelled'));
      await scratch.destroy();
    });
  });
});
