import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Daemon, ensureDocker } from '../setup/docker-daemon.ts';
import { ensureImages } from '../setup/images.ts';
import { ensureMongo, linkMongod } from '../setup/mongo.ts';
import { ensureVersitygw } from '../setup/versitygw.ts';
import { benchApi } from './api.ts';
import { benchDelta } from './delta.ts';
import { benchDrill, type Measured } from './drill.ts';
import { benchFleet } from './fleet.ts';
import { benchMongo } from './mongo.ts';
import { benchRestore } from './restore.ts';
import { benchS3 } from './s3.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '30' },
    megabytes: { type: 'string', default: '2000' },
    only: { type: 'string' },
  },
});
const runs = Number(values.runs);
const scale = Number(values.scale);

/** What `--only` may name. */
const BENCHES = {
  drill: (folder: string) => withDocker(() => drill(folder)),
  fleet,
  api: () => withDocker(api),
  mongo: (folder: string) => withDocker(() => mongo(folder), ensureMongo),
  s3: () => withDocker(s3),
  delta: (folder: string) => withDocker(() => delta(folder)),
  restore,
} as const;

/** Measures side by side in one run, because on a shared machine only ratios mean something. */
async function main(): Promise<number> {
  const wanted = Object.entries(BENCHES).filter(([name]) => (values.only ?? name) === name);
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    for (const [, bench] of wanted) await bench(folder);
    return wanted.length > 0 ? 0 : 2;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function withDocker(
  bench: () => Promise<void>,
  prepare: (docker: Daemon) => Promise<void> = ensureImages,
): Promise<void> {
  const docker = await ensureDocker();
  if (docker === undefined) throw new Error('This benchmark needs a Docker daemon.');
  try {
    await prepare(docker);
    process.env['DOCKER_HOST'] = docker.host;
    await bench();
  } finally {
    await docker.stop();
  }
}

async function drill(folder: string): Promise<void> {
  const measured = await benchDrill({ folder, runs, scale });
  print(`median of ${runs} runs, ms`, measured.medianMs, measured.ratios);
  await keep('drill', { runs, scale, ...measured });
}

async function fleet(folder: string): Promise<void> {
  const measured = await benchFleet(folder);
  print('the fleet, one run', measured.figures, measured.ratios);
  await keep('fleet', measured);
}

async function api(): Promise<void> {
  const measured = await benchApi();
  print(
    'the API, one run: 10,000 requests, 50 at a time, while drills run',
    measured.figures,
    measured.ratios,
  );
  await keep('api', measured);
}

async function mongo(folder: string): Promise<void> {
  const unlinkMongod = linkMongod();
  const measured = await benchMongo(folder).finally(unlinkMongod);
  print(
    'restores of a dump of 200 MB into the stand-in for MongoDB, one run',
    measured.figures,
    measured.ratios,
  );
  await keep('mongo', measured);
}

async function s3(): Promise<void> {
  const versitygw = await ensureVersitygw();
  if (versitygw !== undefined) process.env['MUSTER_TEST_VERSITYGW'] = versitygw;
  const measured = await benchS3(Number(values.megabytes));
  print('drills of dumps in S3, one run', measured.figures, measured.ratios);
  await keep('s3', measured);
}

/** Each run takes a set and two drills. */
const DELTA_RUNS = 3;

async function delta(folder: string): Promise<void> {
  const measured = await benchDelta(folder, DELTA_RUNS);
  print(
    `drills of a pgBackRest repository of 1.2 GB, median of ${DELTA_RUNS} runs`,
    measured.figures,
    measured.ratios,
  );
  await keep('delta', { runs: DELTA_RUNS, ...measured });
}

/** Each run restores 1 GB twice. */
const RESTORE_RUNS = 3;

async function restore(folder: string): Promise<void> {
  const measured = await benchRestore(folder, RESTORE_RUNS);
  print(
    `emergency restores into a real server, median of ${RESTORE_RUNS} runs`,
    measured.figures,
    measured.ratios,
  );
  await keep('restore', { runs: RESTORE_RUNS, ...measured });
}

async function keep(name: string, measured: object): Promise<void> {
  await mkdir('.muster/bench', { recursive: true });
  const file = `.muster/bench/${name}.json`;
  const facts = { at: new Date().toISOString(), cpus: cpus().length, ...measured };
  await writeFile(file, `${JSON.stringify(facts, undefined, 2)}\n`);
  console.log(`\nwritten to ${file}`);
}

function print(title: string, figures: Measured['medianMs'], ratios: Measured['ratios']): void {
  console.log(`\n${title}`);
  for (const [name, value] of Object.entries(figures))
    console.log(`  ${name.padEnd(52)} ${value.toFixed(0).padStart(7)}`);
  console.log('\nratios');
  for (const [name, ratio] of Object.entries(ratios))
    console.log(`  ${name.padEnd(52)} ${ratio.toFixed(2).padStart(7)}`);
}

process.exitCode = await main();
