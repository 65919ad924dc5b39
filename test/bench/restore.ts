import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dumpServer } from '../support/dumps.ts';
import type { Bench } from './measured.ts';
import { median } from './median.ts';

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/muster.mjs', import.meta.url));
const BIN = '/usr/lib/postgresql/15/bin';
const JOBS = 2;
/** Of about 26 MB each, their primary keys included. */
const TABLES = 40;

/**
 * `muster restore` of a dump of a database of 1 GB into a real server, from the start of its process to its end, beside
 * `createdb` and `pg_restore --jobs` of the same file into the same server, in turns. Medians.
 */
export async function benchRestore(folder: string, runs: number): Promise<Bench> {
  const server = await dumpServer(15, { durable: true });
  try {
    await server.sql('postgres', 'CREATE DATABASE big');
    for (let table = 1; table <= TABLES; table += 1)
      await server.sql(
        'big',
        `CREATE TABLE t${table} AS SELECT i AS id, md5(i::text || '${table}') || md5('${table}' || i::text) || md5(i::text) AS text
           FROM generate_series(1, 160000) i; ALTER TABLE t${table} ADD PRIMARY KEY (id)`,
      );
    const bytes = Number(await server.sql('big', "SELECT pg_database_size('big')"));
    const dump = join(folder, 'big.dump');
    await server.dump('big', 'custom', dump);
    // Of one that is not a minute old it would be looked for half a second whether it still grows.
    await utimes(dump, new Date(0), new Date(Date.now() - 3_600_000));
    await server.sql('postgres', 'DROP DATABASE big');
    const uri = `postgresql://postgres@/restored?host=${encodeURIComponent(server.dir)}`;
    const [plain, muster, inside]: [number[], number[], number[]] = [[], [], []];
    for (let run = 0; run < runs; run += 1) {
      plain.push(await plainly(server.dir, dump));
      await server.sql('postgres', 'DROP DATABASE restored');
      await server.sql('postgres', 'CHECKPOINT');
      const { ms, phases } = await byMuster(folder, uri, dump);
      muster.push(ms);
      inside.push(phases);
      await server.sql('postgres', 'DROP DATABASE restored');
      await server.sql('postgres', 'CHECKPOINT');
    }
    return {
      figures: {
        'database, MB': bytes / 1e6,
        'createdb and pg_restore, ms': median(plain),
        'muster restore, ms': median(muster),
        'of that its phases, ms': median(inside),
      },
      ratios: { 'muster restore / pg_restore -j (goal 1.05)': median(muster) / median(plain) },
    };
  } finally {
    await server.close();
  }
}

async function plainly(socket: string, dump: string): Promise<number> {
  const where = ['--host', socket, '--username', 'postgres'];
  const began = performance.now();
  const run = promisify(execFile);
  await run(`${BIN}/createdb`, [...where, 'restored']);
  await run(`${BIN}/pg_restore`, [...where, `--jobs=${JOBS}`, '--dbname=restored', dump]);
  return performance.now() - began;
}

async function byMuster(
  folder: string,
  uri: string,
  dump: string,
): Promise<{ readonly ms: number; readonly phases: number }> {
  const began = performance.now();
  const args = [COMMAND, 'restore', '--from', dump, '--into', 'env:TARGET', '--yes', '--json'];
  const child = spawn(process.execPath, [...args, `--jobs=${JOBS}`], {
    env: { PATH: process.env['PATH'], TARGET: uri, MUSTER_STATE_DIR: join(folder, 'state') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { stdout, stderr } = await outputOf(child);
  const ms = performance.now() - began;
  const { result, statement } = JSON.parse(stdout);
  if (result !== 'pass') throw new Error(`the restore did not pass: ${stdout} ${stderr}`);
  const phases: readonly { readonly duration_ms: number }[] = statement.predicate.phases;
  return { ms, phases: phases.reduce((sum, { duration_ms: one }) => sum + one, 0) };
}

async function outputOf(child: ChildProcess): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const said = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  await new Promise((resolve) => child.once('close', resolve));
  return said;
}
