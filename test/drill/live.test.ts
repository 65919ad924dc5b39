import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errored, projectOfEachTest, verdictOf } from '../support/drill-project.ts';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { eventually } from '../support/eventually.ts';
import { canRunIn } from '../support/needs.ts';

const drillProject = projectOfEachTest();

const SHOP = `
  CREATE TABLE item (n int); INSERT INTO item SELECT generate_series(1, 100); CREATE TABLE note (n int);
  CREATE ROLE barred LOGIN
`;

const RECENT = "SELECT COUNT(*) AS n FROM orders WHERE created_at > NOW() - INTERVAL '24 hours'";
const ORDERS = `
  CREATE TABLE orders AS SELECT now() AS created_at FROM generate_series(1, 200);
  GRANT SELECT ON orders TO barred; ALTER TABLE orders ENABLE ROW LEVEL SECURITY
`;

describe.runIf(canRunIn('docker'))('a drill of a live source', () => {
  let server: DumpServer;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await dumpServer(15);
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql('shop', SHOP);
    await server.sql('postgres', 'CREATE DATABASE crm');
    await server.sql('crm', 'CREATE TABLE customer AS SELECT generate_series(1, 7) AS n');
    env = { SHOP_URI: uri('postgres') };
  });
  afterAll(() => server?.close());
  const uri = (user: string) => `postgresql://${user}:hunter2@/shop?host=${encodeURIComponent(server.dir)}`;
  const project = () =>
    drillProject({
      isolation: 'docker',
      source: ['connection: { uri: env:SHOP_URI }'],
      checks: { items: ['SELECT count(*) AS n FROM item', 'n == 100'] },
    });

  it('is an error, and no pass of empty tables, where its user may not read them', async () => {
    const { drill } = await project();
    const drilled = await drill([], { SHOP_URI: uri('barred') });
    expect(verdictOf(drilled)).toEqual(errored('source_rights_missing'));
    expect(drilled.stdout).toContain('public.item, public.note');
    expect(drilled.stdout + drilled.stderr).not.toMatch(/hunter2|barred/);
  });

  it('asks each check in the database that it names, of those of one cluster', async () => {
    const { folder, drill } = await project();
    const config = join(folder, 'muster.yaml');
    const text = await readFile(config, 'utf8');
    const another = (id: string, database: string) =>
      `\n  - { id: ${id}, database: ${database}, summary_sql: "SELECT count(*) AS n FROM customer", expect: "n == 7" }`;
    const asking = (database: string) =>
      text
        .replace('checks: [items]', 'checks: [items, customers]')
        .replace('\nchecks:', `\nchecks:${another('customers', database)}`);
    await writeFile(config, asking('crm'));
    const drilled = await drill([], env);
    expect(drilled).toMatchObject({ exitCode: 0 });
    expect(drilled.predicate).toMatchObject({
      backup: { id: expect.stringMatching(/^shop_/), location: 'live:shop' },
      restore: { databases: ['shop', 'crm'] },
      checks: [
        { id: 'items', verdict: 'pass' },
        { id: 'customers', verdict: 'pass' },
      ],
    });
    await writeFile(config, asking('nowhere'));
    const absent = await drill([], env);
    expect(verdictOf(absent)).toEqual(errored('unknown_database'));
    expect(absent.stdout).toContain('no database "nowhere"');
  });

  it('is not what finds the tables empty that a dump was taken of without rights: a check of the README does', async () => {
    await server.sql('shop', ORDERS);
    const { drill, dumps } = await drillProject({
      isolation: 'docker',
      checks: { 'recent-orders': [RECENT, 'n > 100'] },
    });
    const path = join(server.dir, 'orders.dump');
    await server.tool('pg_dump', [
      '-U',
      'barred',
      '--enable-row-security',
      '-t',
      'orders',
      '-Fc',
      '-f',
      path,
      'shop',
    ]);
    await copyFile(path, join(dumps, 'shop.dump'));
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual({ exit: 1, result: 'fail', reason: 'check_failed', ran: 1 });
    expect(drilled.predicate?.checks[0]?.summary).toEqual({ n: 0 });
    expect((await readFile('README.md', 'utf8')).replace(/\s+/g, ' ')).toContain(
      `${RECENT} expect: "n > 100"`,
    );
  });

  it('that is killed in the middle leaves no session and no lock at the source', async () => {
    const { drill, start } = await project();
    const ours = (what: string) =>
      server.sql(
        'shop',
        `SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE application_name = 'muster' AND ${what}`,
      );
    // It holds `item`, and waits for `note`.
    const locker = server.sql('shop', 'BEGIN; LOCK TABLE note; SELECT pg_sleep(600)').catch(() => undefined);
    const locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted";
    await eventually('it is locked', async () => (await server.sql('shop', locked)).trim() === '1');
    const { child, ended } = start([], env);
    await eventually('our dump waits', async () => (await ours('NOT granted')).trim() === '1', 60_000);

    child.kill('SIGKILL');
    await Promise.all([once(child, 'exit'), ended]);

    await eventually('our session has ended', async () => (await ours('true')).trim() === '0', 30_000);
    await server.sql(
      'shop',
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'AccessExclusiveLock'`,
    );
    await locker;

    expect(await drill([], env)).toMatchObject({ exitCode: 0, predicate: { result: 'pass' } });
  });
});
