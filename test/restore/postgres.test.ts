import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDirectoryRepository } from '@muster/backups';
import { MusterError, parseConfig, type RestorePhase } from '@muster/core';
import { engineOf, hostTools, type ToolRunner, targetOf } from '@muster/engines';
import type { RestoreEvent } from '@muster/restore';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpFormat, type DumpServer, dumpServer } from '../support/dumps.ts';
import { eventually } from '../support/eventually.ts';
import { musterFolder } from '../support/muster.ts';
import { describeIn } from '../support/needs.ts';
import { type RestoreChanges, restoreInto } from '../support/restore-bench.ts';

const configured = parseConfig(
  `sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: /tmp }, checks: [many] }]
checks: [{ id: many, summary_sql: "SELECT count(*) AS n FROM orders", expect: "n == 20000" }]`,
  { file: 'muster.yaml', baseDirectory: '/tmp' },
);
const CHECKS = configured.ok ? configured.config.checks : [];
const FORMATS: readonly DumpFormat[] = ['custom', 'directory', 'tar', 'plain'];

describeIn(['bubblewrap 15'], 'a restore into a real PostgreSQL, without Docker (%s)', () => {
  let server: DumpServer;
  const path = (name: string): string => join(server.dir, name);
  const uri = (database: string, user = 'postgres'): string =>
    `postgresql://${user}@/${database}?host=${encodeURIComponent(server.dir)}`;
  const restore = (file: string, database: string, changes?: RestoreChanges) =>
    restoreInto('postgres', path(file), uri(database), changes);
  const databases = async (like: string) =>
    (await server.sql('postgres', `SELECT datname FROM pg_database WHERE datname LIKE '${like}' ORDER BY 1`))
      .trim()
      .split('\n');
  const rows = async (database: string) => Number(await server.sql(database, 'SELECT count(*) FROM orders'));

  /** As whom its programs run. */
  const asPostgres = async () => {
    const { uid, gid } = await stat(path('data'));
    return process.getuid?.() === 0 ? { uid, gid, cwd: server.dir } : { cwd: server.dir };
  };
  beforeAll(async () => {
    server = await dumpServer(15);
    await server.sql('postgres', 'CREATE ROLE clerk; CREATE ROLE keeper LOGIN CREATEDB');
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql(
      'shop',
      `CREATE TABLE orders AS SELECT i AS id, repeat(md5(i::text), 8) AS note FROM generate_series(1, 20000) i;
       ALTER TABLE orders ADD PRIMARY KEY (id); GRANT SELECT ON orders TO clerk; ALTER DATABASE shop SET work_mem = '5MB'`,
    );
    for (const format of FORMATS) await server.dump('shop', format, path(`shop.${format}`));
  });
  afterAll(() => server?.close());

  describe('makes the database that is not there yet', () => {
    it.each(FORMATS)('from a dump of the form %s', async (format) => {
      const { statement, state, finished } = await restore(`shop.${format}`, `new_${format}`);
      expect(statement.predicate).toMatchObject({ result: 'pass', target: { before: { tables: 0 } } });
      expect(statement.subject[0]?.digest.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(state).toContain('restored whole');
      expect(finished).toEqual({});
      expect(await rows(`new_${format}`)).toBe(20000);
      expect(await databases(`new\\_${format}%`)).toEqual([`new_${format}`]);
    });
  });

  it('gives a database that is not there any more its owner and grants, or says what to run', async () => {
    await server.sql('postgres', 'CREATE ROLE "own er"');
    await server.sql('postgres', 'CREATE DATABASE lost OWNER "own er"');
    await server.sql(
      'postgres',
      'REVOKE CONNECT ON DATABASE lost FROM PUBLIC; GRANT CONNECT ON DATABASE lost TO clerk WITH GRANT OPTION',
    );
    await server.dump('lost', 'custom', path('lost.custom'));
    const aclOf = (database: string) =>
      server.sql(
        'postgres',
        `SELECT pg_get_userbyid(datdba), a::text FROM pg_database, unnest(datacl) a WHERE datname = '${database}' ORDER BY 2`,
      );
    const before = await aclOf('lost');
    await server.sql('postgres', 'DROP DATABASE lost');
    const { state } = await restore('lost.custom', 'lost');
    expect([await aclOf('lost'), state]).toEqual([
      before,
      'The backup is restored whole in the database "lost".',
    ]);
    const other = await restoreInto('postgres', path('lost.custom'), uri('lost_2', 'keeper'));
    expect(other.state).toContain('ALTER DATABASE "lost_2" OWNER TO "own er"');
  });

  it('is on the disk when it has its name, also where the server itself waits for no disk', async () => {
    await server.sql('postgres', 'ALTER SYSTEM SET synchronous_commit = off');
    await server.sql('postgres', "ALTER SYSTEM SET wal_writer_delay = '10s'");
    await server.sql('postgres', 'SELECT pg_reload_conf()');
    await restore('shop.custom', 'lasting');
    await server.crash();
    expect(await rows('lasting')).toBe(20000);
    await server.sql('postgres', 'ALTER SYSTEM RESET ALL');
    await server.sql('postgres', 'SELECT pg_reload_conf()');
  });

  it('keeps what was there, under another name, with its owner, grants, limit, comment and settings on what took its place', async () => {
    await server.sql('postgres', 'CREATE DATABASE app OWNER keeper');
    await server.sql(
      'app',
      `CREATE TABLE old (n int); ALTER DATABASE app SET search_path = public, "Odd"; REVOKE CONNECT ON DATABASE app FROM PUBLIC;
       GRANT CONNECT ON DATABASE app TO clerk; ALTER DATABASE app CONNECTION LIMIT 7; COMMENT ON DATABASE app IS 'it''s \\ ours'`,
    );
    const asKeeper = uri('app', 'keeper');
    await server.sql('postgres', 'GRANT clerk, postgres TO keeper');
    const run = restoreInto('postgres', path('shop.custom'), asKeeper, { clean: true });
    const { plan, finished } = await run.finally(() =>
      server.sql('postgres', 'REVOKE clerk, postgres FROM keeper'),
    );
    expect(plan?.target).toMatchObject({ tables: 1, exists: true, isEmpty: false });
    expect(finished?.kept).toMatch(/^app_before_\d{8}T\d{6}Z$/);
    expect(await rows('app')).toBe(20000);
    expect(await server.sql(finished?.kept ?? '', 'SELECT count(*) FROM old')).toBe('0\n');
    const facts = await server.sql(
      'app',
      `SELECT pg_get_userbyid(datdba), has_database_privilege('clerk', 'app', 'CONNECT'), current_setting('search_path'),
        (SELECT count(*) FROM aclexplode(datacl) WHERE grantee = 0 AND privilege_type = 'CONNECT'),
        datconnlimit, shobj_description(oid, 'pg_database')
       FROM pg_database WHERE datname = 'app'`,
    );
    expect(facts).toBe('keeper|t|public, "Odd"|0|7|it\'s \\ ours\n');
  });

  describe('settings of the database, or of the user', () => {
    /** What the catalog has, written as whoever reads it. */
    const settingsOf = (database: string) =>
      server.sql(
        'postgres',
        `SELECT coalesce(r.rolname, '-'), unnest(setconfig) FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = setrole
         WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = '${database}') ORDER BY 1, 2`,
      );
    const HINDERING = [
      ...['role = clerk', 'statement_timeout = 1', 'lock_timeout = 1', 'default_transaction_read_only = on'],
      ...['idle_session_timeout = 1', "search_path = ''", 'client_encoding = SQL_ASCII'],
      ...[
        "temp_tablespaces = 'a b', \"c'd\"",
        "own.setting = 'it''s \\ \"so\"'",
        "session_replication_role = 'replica'",
      ],
    ];

    it('are carried over as they are, and none of them is acted by', async () => {
      await server.sql('postgres', 'CREATE DATABASE settled');
      await server.sql('settled', 'CREATE TABLE old (n int)');
      for (const setting of HINDERING) {
        await server.sql('postgres', `ALTER DATABASE settled SET ${setting}`);
        await server.sql('postgres', `ALTER ROLE clerk IN DATABASE settled SET ${setting}`);
      }
      const before = await settingsOf('settled');
      expect(before.trim().split('\n')).toHaveLength(2 * HINDERING.length);
      const { error } = await restore('shop.custom', 'settled', { clean: true, checks: CHECKS });
      expect(error).toBeUndefined();
      expect(await settingsOf('settled')).toBe(before);
      // What was there is kept under a name that tells the second.
      const later = () => new Date(Date.now() + 60_000);
      const again = await restore('shop.plain', 'settled', { clean: true, ports: { now: later } });
      expect([again.error, await settingsOf('settled')]).toEqual([undefined, before]);
    });

    it('hinder no restore, and it acts as who logged in', async () => {
      await server.sql('postgres', 'CREATE ROLE hindered LOGIN SUPERUSER');
      for (const setting of HINDERING.filter((one) => !one.startsWith('default_transaction_read_only')))
        await server.sql('postgres', `ALTER ROLE hindered SET ${setting}`);
      const { error } = await restoreInto('postgres', path('shop.plain'), uri('unhindered', 'hindered'));
      expect(error).toBeUndefined();
      const owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename = 'orders'";
      expect(await server.sql('unhindered', owners)).toBe('postgres\n');
      const owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'unhindered'";
      expect(await server.sql('postgres', owner)).toBe('hindered\n');
    });

    it('that the user may not set are told before the first byte', async () => {
      await server.sql(
        'postgres',
        'CREATE ROLE modest LOGIN CREATEDB IN ROLE clerk; GRANT postgres TO modest',
      );
      await server.sql('postgres', 'CREATE DATABASE guarded OWNER modest');
      await server.sql('guarded', 'CREATE TABLE old (n int)');
      await server.sql('postgres', "ALTER DATABASE guarded SET log_statement = 'all'");
      const asModest = (database: string, file = 'shop.custom') =>
        restoreInto('postgres', path(file), uri(database, 'modest'), { clean: true });
      await expect(asModest('guarded')).rejects.toMatchObject({ code: 'target_rights_missing' });
      await server.dump('guarded', 'custom', path('guarded.custom'));
      const { error, state } = await asModest('unguarded', 'guarded.custom');
      expect([error?.code, state]).toEqual([
        'target_rights_missing',
        expect.stringContaining('Nothing of the restore is left'),
      ]);
    });
  });

  describe('refuses, before the first byte', () => {
    const refused = async (code: string, words: RegExp, run: Promise<unknown>) => {
      await expect(run).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
    };
    const asRole = (user: string, database: string, changes?: RestoreChanges, file = 'shop.custom') =>
      restoreInto('postgres', path(file), uri(database, user), changes);

    it('a target that is not empty, without --clean', async () => {
      await refused('target_not_empty', /it has 1 tables.*--clean/s, restore('shop.custom', 'shop'));
      expect(await rows('shop')).toBe(20000);
    });

    it.each([
      'CREATE PUBLICATION sent FOR ALL TABLES',
      'CREATE FOREIGN DATA WRAPPER far; CREATE SERVER hub FOREIGN DATA WRAPPER far',
      'CREATE COLLATION own FROM "C"',
    ])('one without any table that somebody worked on: %s', async (work) => {
      await server.sql('postgres', 'DROP DATABASE IF EXISTS worked');
      await server.sql('postgres', 'CREATE DATABASE worked');
      await server.sql('worked', work);
      await refused('target_not_empty', /--clean/, restore('shop.custom', 'worked'));
    });

    it('a target that is older than the dump', async () => {
      const engine = engineOf('postgres');
      const identify: typeof engine.identify = async (...args) => ({
        ...(await engine.identify(...args)),
        major: 99,
      });
      const locate = async (signal: AbortSignal) => {
        const [backup] = await createDirectoryRepository({
          directory: server.dir,
          match: 'shop.custom',
          engine: { ...engine, identify },
          pause: async () => undefined,
        }).list(signal);
        if (backup === undefined) throw new Error('none');
        return backup;
      };
      await refused('target_older', /PostgreSQL 99.*older/s, restore('shop.custom', 'none', { locate }));
    });

    it('one that is read-only, by setting and as a standby', async () => {
      await server.sql(
        'postgres',
        'CREATE ROLE looker LOGIN SUPERUSER; ALTER ROLE looker SET default_transaction_read_only = on',
      );
      await refused('target_read_only', /default_transaction_read_only/, asRole('looker', 'none'));
      const standby = path('standby');
      await server.tool('pg_basebackup', ['-D', standby, '-R', '-c', 'fast']);
      const ctl = async (...args: readonly string[]) =>
        await promisify(execFile)(
          '/usr/lib/postgresql/15/bin/pg_ctl',
          ['-D', standby, '-w', ...args],
          await asPostgres(),
        );
      await ctl(
        ...['-l', path('standby.log'), 'start'],
        ...['-o', `-c port=5433 -c unix_socket_directories=${server.dir} -c listen_addresses=`],
      );
      try {
        const there = `postgresql://postgres@/none?host=${encodeURIComponent(server.dir)}&port=5433`;
        await refused('target_read_only', /standby/, restoreInto('postgres', path('shop.custom'), there));
      } finally {
        await ctl('-m', 'immediate', 'stop');
      }
    });

    it('a user without the right to make or rename databases, or who is no member of the roles', async () => {
      await server.sql('postgres', 'CREATE ROLE plain LOGIN');
      await refused('target_rights_missing', /CREATEDB/, asRole('plain', 'none'));
      await refused('target_rights_missing', /not the user's/, asRole('keeper', 'shop', { clean: true }));
      // What it owns is the superuser's; that the clerk may use it does not stand against it.
      await refused(
        'target_rights_missing',
        /no member of the role "postgres" that owns what.*GRANT "postgres" TO "keeper"/s,
        asRole('keeper', 'none'),
      );
    });

    it('not a user who owns all of it, for a role that may only use it', async () => {
      await server.sql('postgres', 'CREATE DATABASE lent OWNER keeper');
      await server.sql(
        'lent',
        'SET ROLE keeper; CREATE SCHEMA own; CREATE TABLE own.t AS SELECT 1 AS n; GRANT SELECT ON own.t TO clerk',
      );
      await server.dump('lent', 'custom', path('lent.custom'));
      expect((await asRole('keeper', 'lent_again', {}, 'lent.custom')).error).toBeUndefined();
      expect(await server.sql('lent_again', "SELECT has_table_privilege('clerk', 'own.t', 'SELECT')")).toBe(
        't\n',
      );
    });

    it('a user whom the database, or those beside it, do not let in, or have no connection for', async () => {
      await server.sql('postgres', 'CREATE DATABASE closed');
      await server.sql('postgres', 'REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
      await refused(
        'target_rights_missing',
        /"closed" \(SQLSTATE 42501\)\. GRANT CONNECT ON DATABASE "closed" TO "keeper"/,
        asRole('keeper', 'closed'),
      );
      await server.sql('postgres', 'CREATE DATABASE taken CONNECTION LIMIT 0');
      await refused('target_unreachable', /SQLSTATE 53300.*CONNECTION LIMIT/, asRole('keeper', 'taken'));
      await server.sql('postgres', 'REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC');
      try {
        await refused(
          'target_rights_missing',
          /none of the databases "postgres"/,
          asRole('keeper', 'closed'),
        );
      } finally {
        await server.sql('postgres', 'GRANT CONNECT ON DATABASE postgres, template1 TO PUBLIC');
      }
    });

    it('a role that is not there, of an archive and of a plain dump, without a trace', async () => {
      await server.sql('postgres', 'CREATE ROLE gone');
      await server.sql('postgres', 'CREATE DATABASE owned');
      await server.sql('owned', 'CREATE TABLE t (n int); ALTER TABLE t OWNER TO gone');
      await server.dump('owned', 'custom', path('owned.custom'));
      await server.dump('owned', 'plain', path('owned.plain'));
      await server.sql('owned', 'DROP OWNED BY gone');
      await server.sql('postgres', 'DROP ROLE gone');
      await refused('role_missing', /CREATE ROLE "gone"; with LOGIN/, restore('owned.custom', 'none'));
      const { error, state } = await restore('owned.plain', 'none');
      expect([error?.code, state]).toEqual([
        'role_missing',
        expect.stringContaining('Nothing of the restore is left'),
      ]);
      expect(await databases('none%')).toEqual(['']);
    });

    it('an extension that is not there', async () => {
      const { admit } = targetOf('postgres');
      const survey = await targetOf('postgres').survey(uri('none'), new AbortController().signal);
      const facts = { format: 'plain', major: 15, databases: [], extensions: ['postgis'] };
      await refused(
        'extension_missing',
        /postgis/,
        admit(uri('none'), survey, { facts, sizeBytes: 1 }, new AbortController().signal),
      );
      await refused(
        'no_space',
        /free/,
        admit(
          uri('none'),
          survey,
          { facts, sizeBytes: Number.MAX_SAFE_INTEGER },
          new AbortController().signal,
        ),
      );
    });

    it('a server that does not answer, and a password that is wrong', async () => {
      const nowhere = 'postgresql://postgres@127.0.0.1:1/none';
      await refused(
        'target_unreachable',
        /did not answer/,
        restoreInto('postgres', path('shop.custom'), nowhere),
      );
    });

    it('one whose name was not typed', async () => {
      const confirm = async () => {
        throw new MusterError('name_not_typed', 'That is not the name.');
      };
      await refused('name_not_typed', /not the name/, restore('shop.custom', 'none', { ports: { confirm } }));
      expect(await databases('none%')).toEqual(['']);
    });
  });

  describe('a database that is in use', () => {
    it('is waited for, and who uses it is said, without what they ask; the second run only changes the names', async () => {
      await server.sql('postgres', 'CREATE DATABASE busy');
      await server.sql('busy', 'CREATE TABLE old (n int)');
      const user = new pg.Client({
        host: server.dir,
        user: 'postgres',
        database: 'busy',
        application_name: 'the shop',
      });
      user.on('error', () => undefined);
      await user.connect();
      const first = await restore('shop.custom', 'busy', { clean: true, waitMs: 200 });
      expect(first.error).toMatchObject({
        code: 'target_in_use',
        message: expect.stringContaining('(the shop)'),
      });
      expect(first.state).toContain('as it was');
      expect(first.events).toContainEqual({ type: 'waiting', who: expect.stringContaining('the shop') });
      const second = await restore('shop.custom', 'busy', { clean: true, disconnect: true });
      expect(second.statement.predicate.result).toBe('pass');
      expect(second.statement.predicate.phases.map(({ name }) => name)).toEqual(['prepare', 'finish']);
      expect(await rows('busy')).toBe(20000);
    });
  });

  describe('interrupted', () => {
    const aborting = (phase: RestorePhase): RestoreChanges => {
      const stop = new AbortController();
      const observe = (event: RestoreEvent) => {
        if (event.type === 'phase' && event.phase === phase)
          setTimeout(() => stop.abort(), phase === 'restore' ? 150 : 0);
      };
      return { signal: stop.signal, ports: { observe }, clean: true, checks: CHECKS };
    };

    beforeAll(async () => {
      await server.sql('postgres', 'CREATE DATABASE slow');
      // Restoring takes for ever, anywhere but where it was dumped.
      await server.sql(
        'slow',
        `CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
           $$ BEGIN IF current_database() <> 'slow' THEN PERFORM pg_catalog.pg_sleep(60); END IF; RETURN $1; END $$;
         CREATE TABLE t AS SELECT 1 AS n; CREATE INDEX ON t (public.slow(n))`,
      );
      await server.dump('slow', 'custom', path('slow.custom'));
      await server.sql('postgres', 'CREATE DATABASE held');
      await server.sql('held', 'CREATE TABLE old (n int)');
    });

    it.each(['prepare', 'restore'] as const)(
      'in the phase %s, it leaves the target as it was, and nothing else',
      async (phase) => {
        const { statement, state } = await restore('slow.custom', 'held', aborting(phase));
        expect(statement.predicate).toMatchObject({ result: 'error', reason: 'cancelled' });
        expect(statement.predicate.checks).toMatchObject([{ verdict: 'not_run' }]);
        expect(state).toMatch(/"held" is as it was/);
        expect(await databases('held%')).toEqual(['held']);
        expect(await server.sql('held', 'SELECT count(*) FROM old')).toBe('0\n');
      },
    );

    it('in the phase finish, the backup is whole beside it; in the phase check, in its place', async () => {
      const user = new pg.Client({ host: server.dir, user: 'postgres', database: 'held' });
      user.on('error', () => undefined);
      await user.connect();
      const first = await restore('shop.custom', 'held', { ...aborting('finish'), waitMs: 10_000 });
      await user.end();
      expect(first.state).toContain('only the names have to change');
      expect(await databases('held%')).toEqual(['held', 'held_muster_new']);
      const second = await restore('shop.custom', 'held', aborting('check'));
      expect(second.statement.predicate).toMatchObject({
        reason: 'cancelled',
        checks: [{ verdict: 'not_run' }],
      });
      expect(second.state).toMatch(
        /restored whole in the database "held"\. What was there is kept as "held_before_/,
      );
      expect(await rows('held')).toBe(20000);
    });

    it('by SIGKILL, the next run removes what was left', async () => {
      const muster = await musterFolder();
      try {
        const args = ['restore', '--from', path('slow.custom'), '--into', 'env:TARGET', '--yes'];
        const started = muster.start(args, { TARGET: uri('killed') });
        const sleeping =
          "SELECT count(*) FROM pg_stat_activity WHERE datname = 'killed_muster_new' AND wait_event = 'PgSleep'";
        await eventually('the restore', async () => (await server.sql('postgres', sleeping)) === '1\n');
        started.child.kill('SIGKILL');
        await started.ended;
        expect(await databases('killed%')).toEqual(['killed_muster_new']);
        const ran = await muster.run(
          ['restore', '--from', path('shop.custom'), '--into', 'env:TARGET', '--yes', '--json'],
          { TARGET: uri('killed') },
        );
        expect([ran.exitCode, ran.stderr]).toEqual([
          0,
          expect.stringContaining('An interrupted restore left killed_muster_new behind'),
        ]);
        expect(await rows('killed')).toBe(20000);
        expect(await databases('killed%')).toEqual(['killed']);
        const { record, signed, statement } = JSON.parse(ran.stdout);
        expect(signed).toBe(false);
        expect(JSON.parse(await readFile(record, 'utf8'))).toEqual(statement);
        expect(ran.stdout + ran.stderr).not.toContain(server.dir.concat('&'));
      } finally {
        await muster.remove();
      }
    });
  });

  it('what bears its name beside the target and is not its own is left alone, unless nothing is in it', async () => {
    await server.sql('postgres', 'CREATE DATABASE mine_muster_new');
    await server.sql('mine_muster_new', 'CREATE TABLE precious (n int)');
    const { error, state } = await restore('shop.custom', 'mine');
    expect([error?.code, state]).toEqual(['target_in_use', 'The target "mine" is as it was.']);
    await server.sql('mine_muster_new', 'DROP TABLE precious');
    expect((await restore('shop.custom', 'mine')).statement.predicate.result).toBe('pass');
    expect(await databases('mine%')).toEqual(['mine']);
  });

  it('what is left beside the target is judged when the restore begins, and not by what was seen before a person agreed', async () => {
    const { size, mtime } = await stat(path('shop.custom'));
    const marked = (state: string, backup: string): string =>
      `COMMENT ON DATABASE late_muster_new IS 'muster restore ${JSON.stringify({ state, backup })}'`;
    const replaced = async (by: string) => {
      await server.sql('postgres', 'DROP DATABASE IF EXISTS late_muster_new');
      await server.sql('postgres', 'CREATE DATABASE late_muster_new');
      await server.sql('late_muster_new', `CREATE TABLE orders (id int); ${by}`);
    };
    const restoreAfter = (meanwhile: () => Promise<void>) =>
      restore('shop.custom', 'late', { ports: { confirm: meanwhile } });

    await replaced(marked('restoring', 'another'));
    expect((await restoreAfter(() => replaced('SELECT 1'))).error?.code).toBe('target_in_use');
    await replaced(marked('whole', `shop.custom ${size} ${mtime.toISOString()}`));
    await restoreAfter(() => replaced(marked('restoring', 'another')));
    expect(await rows('late')).toBe(20000);
  });

  it('two targets whose names need the same one beside them are not restored into at once', async () => {
    const long = 'n'.repeat(60);
    const other = restore('shop.custom', `${long}_1`);
    const outcomes = await Promise.all([other, restore('shop.custom', `${long}_2`)]);
    const codes = outcomes.map(({ error }) => error?.code);
    expect(codes.filter((code) => code !== undefined && code !== 'target_in_use')).toEqual([]);
  });

  it('data of a plain dump are no commands for psql, also where it cannot be told to take none', async () => {
    const ran = path('ran');
    const whole = await readFile(path('shop.plain'), 'utf8');
    const hostile = `COPY public.absent (a) FROM stdin;\n\\! touch ${ran}\n\\.\n`;
    await writeFile(path('hostile.plain'), whole.replace('\nCREATE TABLE', `\n${hostile}\nCREATE TABLE`));
    const tools: ToolRunner = {
      find: async (...asked) => ({ ...(await hostTools(process.env).find(...asked)), version: '15.13' }),
    };
    const { error } = await restore('hostile.plain', 'hostile', { ports: { tools } });
    expect(error?.code).toBe('restore_failed');
    await expect(stat(ran)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await restore('shop.plain', 'fine', { ports: { tools } })).statement.predicate.result).toBe(
      'pass',
    );
  });

  it('a backup that is cut short keeps what came back for people to look at, and the target as it was', async () => {
    const whole = await readFile(path('shop.plain'));
    await writeFile(path('cut.plain'), whole.subarray(0, whole.length / 2));
    const { statement, state } = await restore('cut.plain', 'cut');
    expect(statement.predicate).toMatchObject({ result: 'fail', reason: 'truncated' });
    expect(state).toContain(
      'still no database "cut". What came back of the backup is in the database "cut_muster_new"',
    );
    expect((await restore('shop.custom', 'cut')).statement.predicate.result).toBe('pass');
    expect(await databases('cut%')).toEqual(['cut']);
  });

  it('a source is asked its checks afterwards, whose verdict is the exit code; its record is signed and verifies', async () => {
    const muster = await musterFolder({
      'muster.yaml': `
sources:
  - slug: shop
    kind: postgres
    backup: { type: dump, location: ${server.dir}, match: shop.custom }
    connection: { uri: env:LIVE }
    checks: [many, few]
checks:
  - { id: many, summary_sql: "SELECT count(*) AS n FROM orders", expect: "n == 20000" }
  - { id: few, summary_sql: "SELECT count(*) AS n FROM orders", expect: "n < 10" }
`,
    });
    try {
      await muster.run(['keys', 'generate', '--json']);
      const env = { LIVE: uri('shop'), TARGET: uri('shop') };
      const ran = await muster.run(
        ['restore', '--source', 'shop', '--into', 'env:TARGET', '--clean', '--yes', '--json'],
        env,
      );
      expect([ran.exitCode, ran.stderr]).toEqual([
        1,
        expect.stringContaining('The target is the live source itself'),
      ]);
      const { record, signed, statement } = JSON.parse(ran.stdout);
      expect(statement.predicate.checks.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
        'pass',
        'fail',
      ]);
      expect(signed).toBe(true);
      const file = record.replace(/^file:\/\//, '');
      const verified = await muster.run(['verify', file, '--artefact', path('shop.custom')]);
      expect([verified.exitCode, verified.stdout]).toEqual([
        0,
        expect.stringMatching(
          /the record of a restore of shop\.custom into shop[\s\S]*authentic: rst_\w+, a restore and no drill, result fail/,
        ),
      ]);
      const refused = await muster.run(
        ['restore', '--source', 'shop', '--into', 'env:TARGET', '--clean'],
        env,
      );
      expect([refused.exitCode, refused.stderr]).toEqual([
        2,
        expect.stringContaining('Nobody is at a terminal'),
      ]);
    } finally {
      await muster.remove();
    }
  });
});
