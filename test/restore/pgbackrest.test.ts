import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchivedCluster, archivedCluster } from '../support/archived-cluster.ts';
import { findProgram } from '../support/find-program.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';

describe.skipIf(findProgram('pgbackrest') === undefined)('a backup set of pgBackRest', () => {
  let cluster: ArchivedCluster;
  let muster: MusterFolder;
  let time: string;
  const restore = (...args: readonly string[]) =>
    muster.run(['restore', '--into-directory', cluster.dataDirectory, '--yes', ...args]);

  beforeAll(async () => {
    cluster = await archivedCluster(5499);
    await cluster.tool('stanza-create');
    await cluster.sql('CREATE TABLE t AS SELECT 1 AS n');
    await cluster.tool('--type=full', 'backup');
    // pgBackRest knows the end of a set to the second, and takes one that ended in a second before the time.
    await cluster.sql('SELECT pg_sleep(1.1)');
    await cluster.sql('INSERT INTO t VALUES (2)');
    time = (
      await cluster.sql(
        'SELECT to_char(clock_timestamp() AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\')',
      )
    ).trim();
    await cluster.sql('INSERT INTO t VALUES (3)');
    await cluster.sql('SELECT pg_switch_wal()');
    await cluster.tool('check');
    muster = await musterFolder({
      'muster.yaml': `
sources:
  - { slug: main, kind: postgres, restore_only: true, backup: { type: pgbackrest, stanza: ${cluster.stanza}, config: ${cluster.config} } }
`,
    });
  });
  afterAll(async () => {
    await muster?.remove();
    await cluster?.remove();
  });

  it('is not restored over a server that runs, or did not end well, nor without --delta over a cluster', async () => {
    const running = await restore('--delta');
    expect([running.exitCode, running.stderr]).toEqual([2, expect.stringMatching(/runs \(process \d+\)/)]);
    const pid = join(cluster.dataDirectory, 'postmaster.pid');
    await cluster.stop();
    await writeFile(pid, '999999999\n');
    const dead = await restore('--delta');
    expect([dead.exitCode, dead.stderr]).toEqual([2, expect.stringContaining('remove that file')]);
    await rm(pid);
    const whole = await restore();
    expect([whole.exitCode, whole.stderr]).toEqual([2, expect.stringContaining('Give --delta')]);
  });

  it('is restored into its data directory as of a time, and its server recovers by itself', async () => {
    await writeFile(join(cluster.dataDirectory, 'PG_VERSION.lost'), '');
    const ran = await restore('--delta', '--at', time, '--json');
    expect([ran.exitCode, ran.stderr]).toEqual([0, expect.stringContaining('cluster of PostgreSQL 15')]);
    const { state, record } = JSON.parse(ran.stdout);
    expect(state).toContain('Start its server');
    expect(JSON.parse(await readFile(record.replace(/^file:\/\//, ''), 'utf8'))).toBeTruthy();
    await cluster.start();
    expect((await cluster.sql('SELECT n FROM t ORDER BY n')).trim()).toBe('1\n2');
  });
});
