import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker } from './docker-cli.ts';
import { postgresUser } from './images.ts';

/** A row of the table `t` and when it was committed: PostgreSQL's own word, in UTC. */
export interface Commit {
  readonly id: number;
  /** RFC 3339 with microseconds. */
  readonly at: string;
  readonly xid: string;
}

/** A restore point in WAL, by its name and where it is. */
export interface NamedPoint {
  readonly name: string;
  readonly lsn: string;
}

/** Repositories that a real pgBackRest has made of a real cluster with the database `shop`. */
export interface Repositories {
  /** A full set with one row, a differential with two, an incremental with three; WAL up to the last row. */
  readonly plain: string;
  /**
   * The same cluster, encrypted: a full set with three rows and an incremental with as many. Files lie in bundles, and of
   * larger ones only changed blocks, where pgBackRest does that without being asked for a beta.
   */
  readonly encrypted: string;
  readonly passphrase: string;
  readonly stanza: string;
  readonly commits: readonly Commit[];
  /** One before the row 3, and so before the newest set, and one before the row 6. */
  readonly points: readonly [beforeThree: NamedPoint, beforeSix: NamedPoint];
  /** A copy of `plain` to be damaged, gone with the others. */
  copy(): Promise<string>;
  remove(): Promise<void>;
}

const STANZA = 'main';
const PASSPHRASE = 'correct horse; battery # staple';

/**
 * Two repositories are fed by one cluster; each row is a transaction of its own. Its configuration as it lies in the backups
 * asks for what no scratch can give: the server that runs was started before it was written.
 */
const SCRIPT = `
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin)
export PGHOST=/tmp PGUSER=$2
umask 027
$bin/initdb --pgdata=/tmp/pg --username=$2 --auth=trust --no-sync >/dev/null
cat > /tmp/pgbackrest.conf <<CONF
[global]
repo1-path=/repositories/plain
repo1-retention-full=9
repo2-path=/repositories/encrypted
repo2-retention-full=9
repo2-cipher-type=aes-256-cbc
repo2-cipher-pass=$1
repo2-bundle=y
$(pgbackrest version | grep -q ' 2[.]4' || echo repo2-block=y)
log-level-console=warn
log-level-file=off
lock-path=/tmp/lock
spool-path=/tmp/spool
start-fast=y
compress-level=1
[${STANZA}]
pg1-path=/tmp/pg
pg1-socket-path=/tmp
pg1-user=$2
CONF
cat >> /tmp/pg/postgresql.conf <<CONF
fsync = off
track_commit_timestamp = on
max_connections = 321
shared_preload_libraries = 'pg_stat_statements'
ssl = off
archive_mode = on
archive_command = 'pgbackrest --config=/tmp/pgbackrest.conf --stanza=${STANZA} archive-push %p'
unix_socket_directories = '/tmp'
listen_addresses = ''
CONF
$bin/pg_ctl --pgdata=/tmp/pg --wait --log=/tmp/log start >/dev/null
sql() { $bin/psql -XqAt --dbname="$1" --command="$2"; }
row() { sql shop "INSERT INTO t VALUES ($1)"; }
point() { sql shop "SELECT 'point', '$1', pg_create_restore_point('$1')"; }
tool() { pgbackrest --config=/tmp/pgbackrest.conf --stanza=${STANZA} "$@"; }
tool stanza-create
sql template1 'CREATE DATABASE shop'
sql shop 'CREATE TABLE t (id int PRIMARY KEY)'
mkdir /tmp/outside
sql shop "CREATE TABLESPACE outside LOCATION '/tmp/outside'"
sql shop 'CREATE TABLE elsewhere TABLESPACE outside AS SELECT 7 AS n'
cat > /tmp/pg/more.conf <<CONF
shared_preload_libraries = 'absent_library, pg_stat_statements, "\\$libdir/absent_too.so"'
CONF
cat >> /tmp/pg/postgresql.conf <<CONF
include_if_exists 'more.conf'
include 'absent.conf'
include_dir 'absent.d'
data_directory = '/nowhere'
hba_file = '/nowhere/pg_hba.conf'
huge_pages = on
shared_buffers = '900GB'
ssl = on
ssl_cert_file = '/nowhere/server.crt'
listen_addresses = '*'
CONF
cat >> /tmp/pg/postgresql.auto.conf <<CONF
archive_mode = 'always'
archive_command = 'false'
restore_command = 'false'
primary_conninfo = 'host=nowhere'
recovery_target_time = '2001-01-01 00:00:00+00'
recovery_target_action = 'shutdown'
CONF
: > /tmp/pg/standby.signal
row 1
tool --repo=1 --type=full backup
row 2
tool --repo=1 --type=diff backup
point before-three
row 3
tool --repo=1 --type=incr backup
tool --repo=2 --type=full backup
tool --repo=2 --type=incr backup
row 4; row 5
point 'before "six"'
sql shop 'SELECT pg_switch_wal()' >/dev/null
row 6
sql shop 'SELECT pg_switch_wal()' >/dev/null
row 7
tool check
sql shop "SELECT 'commit', id, to_char(pg_xact_commit_timestamp(xmin) AT TIME ZONE 'UTC', 'YYYY-MM-DD\\"T\\"HH24:MI:SS.US\\"Z\\"'), xmin FROM t ORDER BY id"
$bin/pg_ctl --pgdata=/tmp/pg --mode=immediate stop >/dev/null
`;

/** Whether pgBackRest is in the image. */
export const hasPgbackrest = (image: string): boolean =>
  spawnSync('docker', ['run', '--rm', '--network', 'none', '--entrypoint', 'pgbackrest', image, 'version'], {
    stdio: 'ignore',
  }).status === 0;

/** Makes them in a container; takes about ten seconds. The files are those of the image's user postgres. */
export async function pgbackrestRepositories(image: string, superuser = 'postgres'): Promise<Repositories> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-pgbackrest-'));
  const mount = ['--volume', `${folder}:/repositories`];
  const user = postgresUser(image);
  const run = ['run', '--rm', '--network', 'none', ...mount, '--entrypoint', '/bin/sh'];
  const prepare = `mkdir /repositories/plain /repositories/encrypted; chmod 755 /repositories; chown ${user} /repositories/*`;
  await docker(...run, image, '-c', prepare);
  const printed = await docker(...run, '--user', user, image, '-c', SCRIPT, 'sh', PASSPHRASE, superuser);
  const plain = join(folder, 'plain');
  let copies = 0;
  return {
    plain,
    encrypted: join(folder, 'encrypted'),
    passphrase: PASSPHRASE,
    stanza: STANZA,
    ...printedFacts(printed),
    copy: async () => {
      copies += 1;
      const copied = join(folder, `copy-${copies}`);
      await cp(plain, copied, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
      const owner = `chown -R ${user} /repositories/copy-${copies}`;
      await docker(...run, image, '-c', owner);
      return copied;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function printedFacts(printed: string): Pick<Repositories, 'commits' | 'points'> {
  const facts = printed.split('\n').map((line) => line.split('|'));
  const commits = facts.flatMap(([what, id, at = '', xid = '']) =>
    what === 'commit' ? [{ id: Number(id), at, xid }] : [],
  );
  const [first, second] = facts.flatMap(([what, name = '', lsn = '']) =>
    what === 'point' ? [{ name, lsn }] : [],
  );
  if (first === undefined || second === undefined) throw new Error('no restore points were made');
  return { commits, points: [first, second] };
}

/** A moment between two commits that follow one another, in ms. */
export function randomPoint(commits: readonly Commit[]): { at: string; before: Commit; after: Commit } {
  const pairs = commits.slice(1).map((after, index) => ({ before: commits[index] ?? after, after }));
  const pair = pairs[Math.floor(Math.random() * pairs.length)];
  if (pair === undefined) throw new Error('there are no two commits');
  const from = Date.parse(pair.before.at) + 1;
  const to = Date.parse(pair.after.at);
  return { ...pair, at: new Date(from + Math.floor(Math.random() * Math.max(0, to - from))).toISOString() };
}
