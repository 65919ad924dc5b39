import { execFile } from 'node:child_process';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dumpServer } from '../support/dumps.ts';
import { median } from './median.ts';

const exec = promisify(execFile);
const LIMIT = { timeout: 300_000, maxBuffer: 64 * 1024 * 1024 } as const;
const IMAGE = 'muster.test/postgres:15';
const BIN = '/usr/lib/postgresql/15/bin';

export interface Measured {
  readonly dumpBytes: number;
  readonly medianMs: Readonly<Record<string, number>>;
  readonly ratios: Readonly<Record<string, number>>;
}

/**
 * A drill beside the script that a user would write for the same dump, and beside the inner restore alone (one job and
 * two, in the script's own server).
 */
export async function benchDrill(options: {
  folder: string;
  runs: number;
  scale: number;
}): Promise<Measured> {
  const dump = await makeDump(options.folder, options.scale);
  const samples: Record<string, number>[] = [];
  for (let run = 0; run <= options.runs; run += 1) {
    const { script, restore1 } = await timeScript(dump.folder);
    const drill = await timeDrill(options.folder, 'docker');
    const caged = await timeDrill(options.folder, 'bubblewrap');
    // The first run warms caches and is not counted.
    if (run > 0)
      samples.push({
        script,
        'inner pg_restore -j1': restore1,
        'drill (docker)': drill,
        'drill (bubblewrap)': caged,
      });
    console.log(
      run === 0 ? '• warm-up done' : `• run ${run} of ${options.runs}: ${JSON.stringify(samples.at(-1))}`,
    );
  }
  const names = Object.keys(samples[0] ?? {});
  const column = (name: string) => samples.map((sample) => sample[name] ?? Number.NaN);
  const ratio = (a: string, b: string) =>
    median(samples.map((sample) => (sample[a] ?? Number.NaN) / (sample[b] ?? Number.NaN)));
  return {
    dumpBytes: dump.bytes,
    medianMs: Object.fromEntries(names.map((name) => [name, median(column(name))])),
    ratios: {
      'drill (docker) / script': ratio('drill (docker)', 'script'),
      'drill (bubblewrap) / script': ratio('drill (bubblewrap)', 'script'),
      'drill (docker) / inner restore': ratio('drill (docker)', 'inner pg_restore -j1'),
    },
  };
}

const CONFIG = `sources:
  - slug: bench
    kind: postgres
    backup: { type: dump, location: dumps }
    checks: [accounts]
checks:
  - id: accounts
    summary_sql: SELECT COUNT(*) AS n FROM pgbench_accounts
    expect: "n > 0"
scratch: { images: { postgres: "muster.test/postgres:{major}" } }
`;

async function makeDump(folder: string, scale: number): Promise<{ folder: string; bytes: number }> {
  const dumps = join(folder, 'dumps');
  await mkdir(dumps);
  const server = await dumpServer(15);
  try {
    await server.tool('createdb', ['bench']);
    await server.tool('pgbench', ['-i', '-q', '-s', String(scale), 'bench']);
    const path = join(dumps, 'bench.dump');
    await server.dump('bench', 'custom', path);
    return { folder: dumps, bytes: (await stat(path)).size };
  } finally {
    await server.close();
  }
}

/** `docker run postgres`, wait, `pg_restore`, `psql`, `docker rm`: what the official image's entrypoint would do, too. */
async function timeScript(dumps: string): Promise<{ script: number; restore1: number }> {
  const name = `muster-bench-${process.pid}`;
  const server = `initdb -D /tmp/data -U postgres -A trust >/dev/null && exec postgres -D /tmp/data -k /tmp`;
  const begin = performance.now();
  const inside = (...command: string[]) => exec('docker', ['exec', name, ...command], LIMIT);
  const path = `PATH=${BIN}:/usr/bin:/bin`;
  await exec(
    'docker',
    [
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'none',
      '--user',
      'postgres',
      '-e',
      path,
      '-v',
      `${dumps}:/dumps:ro`,
      '--entrypoint',
      'sh',
      IMAGE,
      '-c',
      server,
    ],
    LIMIT,
  );
  try {
    await inside('sh', '-c', 'until pg_isready -q -h /tmp; do sleep 0.1; done');
    await inside('createdb', '-h', '/tmp', '-U', 'postgres', 'bench');
    const restoring = performance.now();
    await inside('pg_restore', '-h', '/tmp', '-U', 'postgres', '-d', 'bench', '/dumps/bench.dump');
    const restore1 = Math.round(performance.now() - restoring);
    await inside(
      'psql',
      '-h',
      '/tmp',
      '-U',
      'postgres',
      '-d',
      'bench',
      '-Atc',
      'SELECT COUNT(*) AS n FROM pgbench_accounts',
    );
    await exec('docker', ['rm', '-f', '-v', name], LIMIT);
    return { script: Math.round(performance.now() - begin), restore1 };
  } catch (error) {
    await exec('docker', ['rm', '-f', '-v', name], LIMIT);
    throw error;
  }
}

async function timeDrill(folder: string, isolation: 'docker' | 'bubblewrap'): Promise<number> {
  const config = join(folder, `${isolation}.yaml`);
  await writeFile(config, CONFIG.replace('scratch: {', `scratch: { kind: ${isolation},`));
  const env = { ...process.env, MUSTER_STATE_DIR: join(folder, 'state') };
  const begin = performance.now();
  await exec(
    'node_modules/.bin/muster',
    ['drill', 'run', '--config', config, '--source', 'bench', '--quiet'],
    { ...LIMIT, env },
  );
  return Math.round(performance.now() - begin);
}
