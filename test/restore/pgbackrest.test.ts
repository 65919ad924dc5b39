import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchivedCluster, archivedCluster } from '../support/archived-cluster.ts';
import { findProgram } from '../support/find-program.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';

const NOW = 'to_char(clock_timestamp() AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\')';

describe.skipIf(findProgram('pgbackrest') === undefined)('a backup set of pgBackRest', () => {
  let cluster: ArchivedCluster;
  let muster: MusterFolder;
  const points = { time: '', xid: '', name: String.raw`name:it's \done`, lsn: '' };
  /** By the server's own configuration, or by that of the source alone. */
  const restore = (source: 'own' | 'placed', ...args: readonly string[]) =>
    muster.run(['restore', '--source', source, '--into-directory', cluster.dataDirectory, '--yes', ...args], {
      REPO_PASS: cluster.passphrase,
    });
  const sql = async (command: string) => (await cluster.sql(command)).trim();

  beforeAll(async () => {
    cluster = await archivedCluster(5499);
    await cluster.tool('stanza-create');
    await cluster.sql('CREATE TABLE t AS SELECT 1 AS n');
    await cluster.tool('--type=full', 'backup');
    // pgBackRest knows the end of a set to the second, and takes one that ended in a second before the time.
    await cluster.sql('SELECT pg_sleep(1.1)');
    await cluster.sql('INSERT INTO t VALUES (2)');
    points.time = await sql(`SELECT ${NOW}`);
    points.xid = `xid:${await sql('INSERT INTO t VALUES (3) RETURNING pg_current_xact_id()')}`;
    await cluster.sql('INSERT INTO t VALUES (4)');
    points.lsn = `lsn:${await sql('SELECT pg_current_wal_lsn()')}`;
    await cluster.sql('INSERT INTO t VALUES (5)');
    await cluster.sql(String.raw`SELECT pg_create_restore_point('it''s \done')`);
    await cluster.sql('INSERT INTO t VALUES (6)');
    await cluster.sql('SELECT pg_switch_wal()');
    await cluster.tool('check');
    muster = await musterFolder({
      'muster.yaml': `
sources:
  - { slug: own, kind: postgres, restore_only: true, backup: { type: pgbackrest, stanza: ${cluster.stanza}, config: ${cluster.config} } }
  - slug: placed
    kind: postgres
    restore_only: true
    backup: { type: pgbackrest, stanza: ${cluster.stanza}, repo: { path: ${cluster.repository}, cipher_pass: env:REPO_PASS } }
`,
    });
  });
  afterAll(async () => {
    await muster?.remove();
    await cluster?.remove();
  });

  it('is not restored over a server that runs, or did not end well, nor without --delta over a cluster', async () => {
    const running = await restore('own', '--delta');
    expect([running.exitCode, running.stderr]).toEqual([2, expect.stringMatching(/runs \(process \d+\)/)]);
    const pid = join(cluster.dataDirectory, 'postmaster.pid');
    await cluster.stop();
    await writeFile(pid, '999999999\n');
    const dead = await restore('own', '--delta');
    expect([dead.exitCode, dead.stderr]).toEqual([2, expect.stringContaining('remove that file')]);
    await rm(pid);
    const whole = await restore('own');
    expect([whole.exitCode, whole.stderr]).toEqual([2, expect.stringContaining('Give --delta')]);
  });

  it('of before the oldest set is said to be none before anything is asked or written', async () => {
    for (const source of ['own', 'placed'] as const) {
      const none = await restore(source, '--delta', '--at', '2020-01-01T00:00:00Z', '--json');
      expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('The oldest there is')]);
      expect(none.stdout + none.stderr).not.toMatch(/half restored|holds a cluster/);
    }
    const other = await restore('own', '--delta', '--backup', '20200101-000000F');
    expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining('No backup of the id')]);
  });

  it('leaves the data directory as it was, and says so, where pgBackRest stops before it writes', async () => {
    const sets = await readdir(join(cluster.repository, 'backup', cluster.stanza));
    const set = join(
      cluster.repository,
      'backup',
      cluster.stanza,
      sets.find((name) => /F$/.test(name)) ?? '',
    );
    const away = `${set}.away`;
    await rename(set, away);
    try {
      const ran = await restore('own', '--delta', '--json');
      expect(ran.exitCode).not.toBe(0);
      expect(JSON.parse(ran.stdout).state).toBe(`The directory ${cluster.dataDirectory} is as it was.`);
    } finally {
      await rename(away, set);
    }
  });

  it('is restored into its data directory as of a time, and its server recovers by itself', async () => {
    await writeFile(join(cluster.dataDirectory, 'PG_VERSION.lost'), '');
    const ran = await restore('own', '--delta', '--at', points.time, '--json');
    expect([ran.exitCode, ran.stderr]).toEqual([0, expect.stringContaining('cluster of PostgreSQL 15')]);
    const { state, record } = JSON.parse(ran.stdout);
    expect(state).toContain('Start its server');
    expect(JSON.parse(await readFile(record.replace(/^file:\/\//, ''), 'utf8'))).toBeTruthy();
    await cluster.recover({});
    expect(await sql('SELECT max(n) FROM t')).toBe('2');
    await cluster.stop();
  });

  it.each([
    ['xid', '3'],
    ['lsn', '4'],
    ['name', '5'],
  ] as const)(
    'is restored as of %s from an encrypted repository that the source alone tells of, whose passphrase is written down nowhere',
    async (point, last) => {
      const ran = await restore('placed', '--delta', '--at', points[point], '--json');
      expect([ran.exitCode, ran.stderr]).toEqual([0, expect.stringContaining('cluster of PostgreSQL 15')]);
      expect(JSON.parse(ran.stdout).state).toContain('PGBACKREST_REPO1_CIPHER_PASS');
      const written = await readFile(join(cluster.dataDirectory, 'postgresql.auto.conf'), 'utf8');
      expect(written).toContain(cluster.repository);
      expect(written + ran.stdout + ran.stderr).not.toContain(cluster.passphrase);
      await cluster.recover({ PGBACKREST_REPO1_CIPHER_PASS: cluster.passphrase });
      expect(await sql('SELECT max(n) FROM t')).toBe(last);
      await cluster.stop();
    },
  );
});
