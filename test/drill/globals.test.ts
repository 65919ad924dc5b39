import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DrillProject, failed, projectOfEachTest, verdictOf } from '../support/drill-project.ts';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { canRunIn } from '../support/needs.ts';
import type { TestChecks } from '../support/source-text.ts';

const drillProject = projectOfEachTest();

/** Its first superuser has another name than that of a scratch, and shares out roles himself. */
const SHOP = `
  CREATE ROLE boss SUPERUSER; CREATE ROLE clerks; CREATE ROLE keepers; CREATE ROLE reader LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 4;
  ALTER ROLE reader SET work_mem = '7MB'; ALTER ROLE postgres SET search_path = nowhere;
  GRANT clerks TO reader WITH ADMIN OPTION; GRANT pg_read_all_stats TO clerks;
  CREATE TABLE item (n int, owner name); INSERT INTO item VALUES (1, 'reader'), (2, 'boss');
  ALTER TABLE item OWNER TO keepers; ALTER TABLE item ENABLE ROW LEVEL SECURITY;
  CREATE FUNCTION seen() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.item';
  ALTER FUNCTION seen() OWNER TO reader; CREATE POLICY own ON item TO reader USING (owner = current_user); GRANT SELECT ON item TO reader;
`;
const CHECKS: TestChecks = {
  member: [
    "SELECT pg_has_role('reader', 'clerks', 'member') AND pg_has_role('clerks', 'pg_read_all_stats', 'member') AS ok",
    'ok == true',
  ],
  login: [
    "SELECT rolcanlogin AND rolconnlimit = 4 AND 'work_mem=7MB' = ANY (rolconfig) AS ok FROM pg_roles WHERE rolname = 'reader'",
    'ok == true',
  ],
  rows: [
    "SELECT count(*) + 10 * seen() AS n FROM item WHERE pg_get_userbyid((SELECT relowner FROM pg_class WHERE relname = 'item')) = 'keepers'",
    'n == 12',
  ],
  ours: [
    'SELECT rolsuper AND rolconfig IS NULL AS ok FROM pg_roles WHERE rolname = current_user',
    'ok == true',
  ],
};

describe.runIf(canRunIn('docker'))('a drill of a dump with globals beside it', () => {
  let globals: Readonly<Record<15 | 17, string>>;
  let dump: Readonly<Record<15 | 17, Buffer>>;
  beforeAll(async () => {
    const made = await Promise.all([made15or17(15), made15or17(17)]);
    globals = { 15: made[0].globals, 17: made[1].globals };
    dump = { 15: made[0].dump, 17: made[1].dump };
  });
  const given = async (
    major: 15 | 17,
    text: string | Buffer,
    name = 'globals.sql',
  ): Promise<DrillProject> => {
    const project = await drillProject({ isolation: 'docker', checks: CHECKS });
    await writeFile(join(project.dumps, 'shop.dump'), dump[major]);
    await writeFile(join(project.dumps, name), text);
    return project;
  };

  it.each([
    [15, 'roles_20261121.sql'],
    [17, 'globals.sql'],
  ] as const)('of PostgreSQL %s has its roles, their rights and memberships', async (major, name) => {
    const { drill, dumps } = await given(major, globals[major], name);
    const { exitCode, predicate, stdout } = await drill();
    expect({
      exitCode,
      checks: predicate?.checks.map(({ id, verdict }) => `${id} ${verdict}`),
      stdout,
    }).toMatchObject({
      exitCode: 0,
      checks: ['member pass', 'login pass', 'rows pass', 'ours pass'],
    });
    const bytes = await readFile(join(dumps, name));
    expect(predicate?.backup).toMatchObject({
      id: 'shop.dump',
      globals: {
        id: name,
        sha256: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
        size_bytes: bytes.length,
      },
    });
  });

  it('fails of globals that do not come to their end, inside gzip', async () => {
    const packed = gzipSync(globals[15]);
    const { drill, muster } = await given(15, packed.subarray(0, packed.length - 40), 'shop.globals.sql.gz');
    expect((await muster(['doctor', '--source', 'shop'])).stdout).toContain('with shop.globals.sql.gz');
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(failed('truncated'));
    expect(drilled.stdout).toContain('globals beside the backup (shop.globals.sql.gz)');
    expect(drilled.predicate?.backup).toMatchObject({ globals: { id: 'shop.globals.sql.gz' } });
    const shown = await muster(['drill', 'show', drilled.predicate?.drill_id ?? '']);
    expect(shown.stdout).toMatch(/globals +shop\.globals\.sql\.gz · /);
  });

  it('fails of globals that the server does not take', async () => {
    const text = globals[15].replace(
      '-- Role memberships',
      'GRANT nobody_there TO reader;\n-- Role memberships',
    );
    const { drill } = await given(15, text, 'shop_globals.sql');
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(failed('restore_failed'));
    expect(drilled.stdout).toContain(
      '(shop_globals.sql): psql met errors that healthy backups do not give: 42704 GRANT',
    );
  });
});

async function made15or17(major: 15 | 17): Promise<{ readonly globals: string; readonly dump: Buffer }> {
  const server: DumpServer = await dumpServer(major);
  try {
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql('shop', SHOP);
    const path = join(server.dir, 'out');
    await mkdir(path);
    await server.dump('shop', 'custom', join(path, 'shop.dump'));
    return {
      globals: await server.tool('pg_dumpall', ['--globals-only']),
      dump: await readFile(join(path, 'shop.dump')),
    };
  } finally {
    await server.close();
  }
}
