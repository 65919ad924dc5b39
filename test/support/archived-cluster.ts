import { execFile, execFileSync } from 'node:child_process';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';

const BIN = '/usr/lib/postgresql/15/bin';
const STANZA = 'main';
const PASSPHRASE = 'correct horse; battery # staple';

/** A running PostgreSQL of this machine that archives its WAL into an encrypted repository of pgBackRest. */
export interface ArchivedCluster {
  readonly stanza: string;
  readonly passphrase: string;
  readonly dataDirectory: string;
  readonly repository: string;
  /** The `pgbackrest.conf` of its owner. */
  readonly config: string;
  readonly uri: string;
  /** The files are its: nobody else's. */
  readonly owner: { readonly uid: number; readonly gid: number };
  sql(command: string): Promise<string>;
  /** A command of pgBackRest, by the owner. */
  tool(...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Starts what was restored, which then archives nothing, with more in its environment; resolves when it has recovered. */
  recover(env: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
}

/** Made as the user `postgres` where this is root, and without a stanza yet. */
export async function archivedCluster(port: number): Promise<ArchivedCluster> {
  const root = await mkdtemp(join(tmpdir(), 'muster-archived-'));
  const owner = ownerHere();
  const path = (name: string) => join(root, name);
  const run = async (program: string, ...args: readonly string[]) =>
    (await promisify(execFile)(program, args, { ...owner, cwd: '/' })).stdout;
  await chown(root, owner.uid, owner.gid);
  for (const name of ['repository', 'lock', 'socket']) {
    await mkdir(path(name), { mode: 0o700 });
    await chown(path(name), owner.uid, owner.gid);
  }
  const config = path('pgbackrest.conf');
  await writeFile(
    config,
    `[global]
repo1-path=${path('repository')}
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=${PASSPHRASE}
log-level-file=off
lock-path=${path('lock')}
start-fast=y
archive-timeout=5
[${STANZA}]
pg1-path=${path('data')}
pg1-socket-path=${path('socket')}
pg1-port=${port}
pg1-user=owner
`,
    { mode: 0o600 },
  );
  await chown(config, owner.uid, owner.gid);
  await run(`${BIN}/initdb`, `--pgdata=${path('data')}`, '--username=owner', '--auth=trust', '--no-sync');
  await writeFile(
    path('data/postgresql.conf'),
    `fsync = off
port = ${port}
listen_addresses = ''
unix_socket_directories = '${path('socket')}'
archive_mode = on
archive_command = 'pgbackrest --config=${config} --stanza=${STANZA} archive-push %p'
max_wal_senders = 3
`,
  );
  const sql = (command: string) =>
    run(
      `${BIN}/psql`,
      ...['-XqAt', `--host=${path('socket')}`, `--port=${port}`, '--username=owner'],
      ...['--dbname=postgres', '-c', command],
    );
  const start = async () => {
    await run(`${BIN}/pg_ctl`, `--pgdata=${path('data')}`, '--wait', `--log=${path('log')}`, 'start');
  };
  const recover: ArchivedCluster['recover'] = async (env) => {
    await promisify(execFile)(
      `${BIN}/pg_ctl`,
      [
        ...[`--pgdata=${path('data')}`, '--wait', `--log=${path('log')}`],
        ...['--options=-c archive_mode=off', 'start'],
      ],
      { ...owner, cwd: '/', env: { PATH: process.env['PATH'], ...env } },
    );
    const recovered = async () => (await sql('SELECT pg_is_in_recovery()')).trim() === 'f';
    await eventually('the server has recovered', () => recovered().catch(() => false));
  };
  const stop = async () => {
    await run(`${BIN}/pg_ctl`, `--pgdata=${path('data')}`, '--wait', '--mode=immediate', 'stop');
  };
  await start();
  return {
    stanza: STANZA,
    passphrase: PASSPHRASE,
    dataDirectory: path('data'),
    repository: path('repository'),
    config,
    uri: `postgresql://owner@${encodeURIComponent(path('socket'))}:${port}/postgres`,
    owner,
    sql,
    tool: (...args) => run('pgbackrest', `--config=${config}`, `--stanza=${STANZA}`, ...args),
    start,
    recover,
    stop,
    remove: async () => {
      await stop().catch(() => undefined);
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL does not run as root. */
function ownerHere(): { readonly uid: number; readonly gid: number } {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0) return { uid, gid };
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}
