import { execFile, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type DumpMajor = 15 | 17;
export type DumpFormat = 'custom' | 'tar' | 'directory' | 'plain';

/** A throwaway PostgreSQL server that dumps are made from: 15 is the host's own, 17 lives in a container. */
export interface DumpServer {
  readonly major: DumpMajor;
  /** A directory that its tools see under the same path, and may write to. */
  readonly dir: string;
  /** Runs SQL as superuser and returns what psql prints, unaligned, without headers. */
  sql(database: string, text: string): Promise<string>;
  /** Feeds a file to psql; fails on the first error. */
  load(database: string, file: string): Promise<void>;
  /** Runs pg_dump; `path` must not exist. */
  dump(database: string, format: DumpFormat, path: string, args?: readonly string[]): Promise<void>;
  /** Runs any of the server's tools and returns stdout. */
  tool(name: string, args: readonly string[]): Promise<string>;
  /** As its owner would: whoever is connected loses the session. */
  restart(): Promise<void>;
  /** Ends it as a loss of power would, and starts it again. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** Each builder of a server is told where its own binaries run and as whom. */
interface Runner {
  readonly dir: string;
  argv(command: readonly string[]): readonly [string, ...string[]];
  readonly options: { readonly uid?: number; readonly gid?: number; readonly cwd?: string };
  close(): Promise<void>;
}

const BIN = (major: DumpMajor): string => `/usr/lib/postgresql/${major}/bin`;
const LIMIT = { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 } as const;
const FLAG = { custom: '-Fc', tar: '-Ft', directory: '-Fd', plain: '-Fp' } as const;

async function hostRunner(): Promise<Runner> {
  const dir = await mkdtemp('/tmp/muster-dump-');
  await chmod(dir, 0o777);
  const asRoot = process.getuid?.() === 0;
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  const options = asRoot ? { uid: await id('-u'), gid: await id('-g'), cwd: dir } : { cwd: dir };
  return {
    dir,
    options,
    argv: (command) => command as [string, ...string[]],
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

async function containerRunner(image: string, network: 'none' | 'host'): Promise<Runner> {
  const dir = await mkdtemp('/tmp/muster-dump-');
  await chmod(dir, 0o777);
  const started = await run('docker', [
    ...['run', '-d', '--rm', '--init', '--network', network, '-v', `${dir}:${dir}`, '--user', 'postgres'],
    ...['--label', 'muster.test=dumps', '--entrypoint', 'sleep', image, '3600'],
  ]);
  const container = started.stdout.trim();
  return {
    dir,
    options: {},
    argv: (command) => ['docker', 'exec', '-i', container, ...command],
    close: async () => {
      await run('docker', ['rm', '-f', container]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/**
 * Starts a server; the caller closes it. `port`: it listens on this one of 127.0.0.1 too. `durable`: its commits wait for the
 * disk, as those of a server that is in use do.
 */
export async function dumpServer(
  major: DumpMajor,
  { port, durable = false }: { readonly port?: number; readonly durable?: boolean } = {},
): Promise<DumpServer> {
  const network = port === undefined ? 'none' : 'host';
  const runner =
    major === 15 ? await hostRunner() : await containerRunner(`muster.test/postgres:${major}`, network);
  const { dir } = runner;
  const exec = async (command: readonly string[]): Promise<string> => {
    const [file, ...args] = runner.argv(command);
    return (await run(file, args, { ...LIMIT, ...runner.options })).stdout;
  };
  const bin = (name: string): string => `${BIN(major)}/${name}`;
  const data = join(dir, 'data');
  const listen =
    port === undefined ? '-c listen_addresses=' : `-c listen_addresses=127.0.0.1 -c port=${port}`;
  const start = () =>
    exec([
      ...[bin('pg_ctl'), '-D', data, '-w', '-l', join(dir, 'log'), 'start'],
      ...['-o', `${listen} -c unix_socket_directories=${dir} -c fsync=${durable ? 'on' : 'off'}`],
    ]);
  const stop = (mode: 'fast' | 'immediate') => exec([bin('pg_ctl'), '-D', data, '-w', '-m', mode, 'stop']);
  try {
    await exec([
      bin('initdb'),
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '-N',
    ]);
    await start();
  } catch (error) {
    await runner.close();
    throw error;
  }
  const connect = ['-h', dir, '-U', 'postgres', ...(port === undefined ? [] : ['-p', String(port)])];
  let dumps = 0;
  return {
    major,
    dir,
    sql: (database, text) =>
      exec([bin('psql'), ...connect, '-d', database, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', text]),
    load: async (database, path) => {
      const [file, ...args] = runner.argv([
        bin('psql'),
        ...connect,
        '-d',
        database,
        '-Xq',
        '-v',
        'ON_ERROR_STOP=1',
      ]);
      const child = spawn(file, args, { ...runner.options, stdio: ['pipe', 'ignore', 'inherit'] });
      const ended = new Promise<number | null>((resolve, reject) =>
        child.on('error', reject).on('close', resolve),
      );
      await pipeline(createReadStream(path), child.stdin);
      if ((await ended) !== 0) throw new Error(`psql refused ${path}`);
    },
    dump: async (database, format, path, args = []) => {
      dumps += 1;
      const inner = join(dir, `dump-${dumps}`);
      await exec([bin('pg_dump'), ...connect, FLAG[format], '-f', inner, ...args, database]);
      // The server's user owns what pg_dump wrote.
      await cp(inner, path, { recursive: true });
      await exec(['rm', '-rf', inner]);
    },
    tool: (name, args) => exec([bin(name), ...connect, ...args]),
    restart: async () => {
      await stop('fast');
      await start();
    },
    crash: async () => {
      await stop('immediate');
      await start();
    },
    close: async () => {
      await stop('immediate').catch(() => undefined);
      await runner.close();
    },
  };
}

/** Makes a database that has a bit of everything a dump can hold, small. */
export async function fillSample(server: DumpServer, database: string, create = ''): Promise<void> {
  await server.sql('postgres', `CREATE DATABASE "${database}" ${create}`);
  await server.sql(
    'postgres',
    `DO $$ BEGIN CREATE ROLE app_owner; CREATE ROLE "Read ""Only"""; EXCEPTION WHEN duplicate_object THEN END $$`,
  );
  await server.sql(database, SAMPLE);
}

const SAMPLE = String.raw`
SET standard_conforming_strings = on;
CREATE SCHEMA shop AUTHORIZATION app_owner;
CREATE TYPE shop.mood AS ENUM ('ok', 'so-so; or not', 'it''s');
CREATE TABLE shop.item (id serial PRIMARY KEY, name text NOT NULL, price numeric(12,2), seen timestamptz, raw bytea, doc jsonb, mood shop.mood, tags text[]);
ALTER TABLE shop.item OWNER TO app_owner;
INSERT INTO shop.item (name, price, seen, raw, doc, mood, tags)
  SELECT 'thing ' || n || E' \\ tab\t nl\n. \\. é 日本', n * 1.01, '2026-01-01Z'::timestamptz + n * interval '1 hour', decode(md5(n::text), 'hex'), jsonb_build_object('n', n), 'ok', ARRAY['a', 'b,c']
  FROM generate_series(1, 2000) n;
INSERT INTO shop.item (name) VALUES ('\.'), ('\restrict x'), ('\! touch /tmp/pwned'), ('C:\'), (''''), ('$$'), ('--'), ('/*');
CREATE TABLE shop.empty (a int);
CREATE TABLE shop."Odd ""Name"";\" (a int, "b;c" text DEFAULT 'x;\');
INSERT INTO shop."Odd ""Name"";\" VALUES (1, 'y');
COMMENT ON TABLE shop.item IS 'ends in a backslash \';
COMMENT ON COLUMN shop.item.name IS E'line one\nline two -- /* ; '' ';
CREATE FUNCTION shop.f(a int) RETURNS int LANGUAGE plpgsql AS $body$ BEGIN /* ; */ RETURN a + 1; -- '
END $body$;
CREATE FUNCTION shop.g(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN a ELSE 2 END; SELECT shop.f(a); END;
CREATE VIEW shop.v AS SELECT id, tags[1:2] AS s, name ~ E'^\\d+$' AS d FROM shop.item;
CREATE MATERIALIZED VIEW shop.mv AS SELECT count(*) AS n FROM shop.item;
CREATE RULE r AS ON INSERT TO shop.empty DO ALSO (NOTIFY a; NOTIFY b);
CREATE INDEX item_name ON shop.item (lower(name));
ALTER TABLE shop.item ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON shop.item FOR SELECT TO "Read ""Only""", app_owner USING (price > 0);
GRANT SELECT ON shop.item TO "Read ""Only""";
GRANT ALL ON SCHEMA shop TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA shop GRANT SELECT ON TABLES TO "Read ""Only""";
SELECT lo_from_bytea(0, decode(repeat('00ff5c2e0a', 500), 'hex'));
SELECT lo_from_bytea(0, 'second');
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = shop, public', current_database()); END $$;
DO $$ BEGIN EXECUTE format('ALTER ROLE app_owner IN DATABASE %I SET work_mem = ''8MB''', current_database()); END $$;
`;
