import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Predicate } from '@muster/core';
import { docker, removeKeptVolumes } from '../support/docker-cli.ts';
import { IMAGES, postgresUser } from '../support/images.ts';
import { type MusterFolder, musterFolder } from '../support/muster.ts';
import { predicateIn } from '../support/predicate-in.ts';
import type { Bench } from './measured.ts';
import { median } from './median.ts';

const STANZA = 'main';
/** Of about 12 MB each; in each run one of them is changed. */
const TABLES = 100;

/** A cluster, its archive, a full set; the server goes on. $1 tables. */
const START = `
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin)
export PGHOST=/tmp PGUSER=postgres
umask 022
$bin/initdb --pgdata=/tmp/pg --username=postgres --auth=trust --no-sync >/dev/null
cat > /tmp/pgbackrest.conf <<CONF
[global]
repo1-path=/repository
repo1-retention-full=9
compress-level=1
process-max=2
log-level-console=warn
log-level-file=off
lock-path=/tmp/lock
spool-path=/tmp/spool
start-fast=y
[${STANZA}]
pg1-path=/tmp/pg
pg1-socket-path=/tmp
CONF
cat >> /tmp/pg/postgresql.conf <<CONF
fsync = off
max_wal_size = 4GB
autovacuum = off
archive_mode = on
archive_command = 'pgbackrest --config=/tmp/pgbackrest.conf --stanza=${STANZA} archive-push %p'
unix_socket_directories = '/tmp'
listen_addresses = ''
CONF
$bin/pg_ctl --pgdata=/tmp/pg --wait --log=/tmp/log start >/dev/null
pgbackrest --config=/tmp/pgbackrest.conf --stanza=${STANZA} stanza-create
for table in $(seq $1); do
  echo "CREATE TABLE t$table AS SELECT i AS id, md5(i::text || $table) || md5($table || i::text) AS text FROM generate_series(1, 120000) i;"
done | $bin/psql -Xq --dbname=postgres
# What a server does to pages that it has just loaded is no change of the data.
$bin/psql -Xq --dbname=postgres --command='VACUUM (FREEZE)'
pgbackrest --config=/tmp/pgbackrest.conf --stanza=${STANZA} --type=full backup
`;

/** Changes all rows of one table, and makes a set of that. $1 which. */
const CHANGE = `
set -e
export PGHOST=/tmp PGUSER=postgres
psql -Xq --dbname=postgres --command="UPDATE t$1 SET text = reverse(text)" --command="VACUUM (FULL, FREEZE) t$1"
pgbackrest --config=/tmp/pgbackrest.conf --stanza=${STANZA} --type=incr backup
`;

/**
 * Drills of a cluster of 1.2 GB of which one part in a hundred has changed since the last: with `delta`, and beside it as a whole.
 * Both restore to a volume of Docker. Median of the durations of the phase `restore`, replay and start of the server included.
 */
export async function benchDelta(folder: string, runs: number): Promise<Bench> {
  const repository = join(folder, 'repository');
  const primary = `muster-bench-${process.pid}`;
  await mkdir(repository);
  await chmod(folder, 0o755);
  const image = IMAGES[17];
  const user = postgresUser(image);
  const mount = ['--volume', `${repository}:/repository`, '--entrypoint', '/bin/bash'];
  await docker('run', '--rm', '--network', 'none', ...mount, image, '-c', `chown ${user} /repository`);
  await docker(
    'run',
    '--detach',
    '--network',
    'none',
    '--name',
    primary,
    ...mount,
    image,
    '-c',
    'exec sleep 3600',
  );
  const inside = (script: string, value: number) =>
    docker('exec', '--user', user, primary, '/bin/bash', '-c', script, 'bash', String(value));
  const project = await musterFolder({ 'muster.yaml': configText(repository) });
  try {
    await inside(START, TABLES);
    await drill(project, 'delta');
    const whole: Measured[] = [];
    const delta: Measured[] = [];
    for (let run = 1; run <= runs; run += 1) {
      await inside(CHANGE, run);
      whole.push(await drill(project, 'whole'));
      delta.push(await drill(project, 'delta'));
    }
    const [wholeMs, deltaMs] = [median(whole.map(({ ms }) => ms)), median(delta.map(({ ms }) => ms))];
    return {
      figures: {
        'restore as a whole, ms': wholeMs,
        'restore with delta, ms': deltaMs,
        'copied with delta, MB': median(delta.map(({ copied }) => copied)) / 1e6,
      },
      ratios: { 'restore with delta / as a whole, 1 % changed (goal 0.30)': deltaMs / wholeMs },
    };
  } finally {
    await docker('rm', '--force', '--volumes', primary);
    await removeKeptVolumes(repository);
    await project.remove();
  }
}

function configText(repository: string): string {
  const backup = `type: pgbackrest, stanza: ${STANZA}, repo: { path: ${repository} }`;
  return [
    'defaults: { kind: postgres, checks: [rows] }',
    'sources:',
    `  - { slug: whole, backup: { ${backup} } }`,
    `  - { slug: delta, backup: { ${backup}, delta: true } }`,
    'checks: [{ id: rows, summary_sql: "SELECT count(*) AS n FROM t1", expect: "n == 120000" }]',
    'scratch: { kind: docker, images: { postgres: "muster.test/postgres:{major}" } }',
  ].join('\n');
}

interface Measured {
  readonly ms: number;
  readonly copied: number;
}

async function drill(project: MusterFolder, source: string): Promise<Measured> {
  const receipt = `${source}-${performance.now()}`;
  const { stderr } = await project.run(['drill', 'run', '--source', source, '--receipt', receipt]);
  const predicate: Predicate | undefined = await predicateIn(project, receipt);
  if (predicate?.result !== 'pass' || predicate.restore === undefined)
    throw new Error(`the drill did not pass: ${stderr}`);
  return { ms: predicate.restore.duration_ms, copied: predicate.restore.delta?.copied_bytes ?? 0 };
}
