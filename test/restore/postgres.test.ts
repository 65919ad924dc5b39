import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpFormat, type DumpServer, dumpServer } from '../support/dumps.ts';
import { describeIn } from '../support/needs.ts';
import { type RestoreChanges, restoreInto } from '../support/restore-bench.ts';

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

  it('keeps what was there, under another name, with its owner, grants and settings on what took its place', async () => {
    await server.sql('postgres', 'CREATE DATABASE app OWNER keeper');
    await server.sql(
      'app',
      `CREATE TABLE old (n int); ALTER DATABASE app SET search_path = public, "Odd"; REVOKE CONNECT ON DATABASE app FROM PUBLIC;
       GRANT CONNECT ON DATABASE app TO clerk`,
    );
    const { plan, finished } = await restore('shop.custom', 'app', { clean: true });
    expect(plan?.target).toMatchObject({ tables: 1, exists: true, isEmpty: false });
    expect(finished?.kept).toMatch(/^app_before_\d{8}T\d{6}Z$/);
    expect(await rows('app')).toBe(20000);
    expect(await server.sql(finished?.kept ?? '', 'SELECT count(*) FROM old')).toBe('0\n');
    const facts = await server.sql(
      'app',
      `SELECT pg_get_userbyid(datdba), has_database_privilege('clerk', 'app', 'CONNECT'), current_setting('search_path'),
        (SELECT count(*) FROM aclexplode(datacl) WHERE grantee = 0 AND privilege_type = 'CONNECT')
       FROM pg_database WHERE datname = 'app'`,
    );
    expect(facts).toBe('keeper|t|public, "Odd"|0\n');
  });
});
