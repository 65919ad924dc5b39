import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureDocker } from '../setup/docker-daemon.ts';
import { ensureImages } from '../setup/images.ts';
import { benchDrill, type Measured } from './drill.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, scale: { type: 'string', default: '30' } },
});
const runs = Number(values.runs);
const scale = Number(values.scale);

/** Measures side by side in one run, because on a shared machine only ratios mean something. */
async function main(): Promise<number> {
  const docker = await ensureDocker();
  if (docker === undefined) {
    console.error('The benchmark needs a Docker daemon.');
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    await ensureImages(docker);
    process.env['DOCKER_HOST'] = docker.host;
    const measured = await benchDrill({ folder, runs, scale });
    print(measured);
    await mkdir('.muster/bench', { recursive: true });
    const file = '.muster/bench/drill.json';
    const facts = { at: new Date().toISOString(), cpus: cpus().length, runs, scale };
    await writeFile(file, `${JSON.stringify({ ...facts, ...measured }, undefined, 2)}\n`);
    console.log(`\nwritten to ${file}`);
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
    await docker.stop();
  }
}

function print(measured: Measured): void {
  console.log(`\nmedian of ${runs} runs, ms`);
  for (const [name, ms] of Object.entries(measured.medianMs))
    console.log(`  ${name.padEnd(36)} ${ms.toFixed(0).padStart(7)}`);
  console.log('\nratios (median of the pairs of one run)');
  for (const [name, ratio] of Object.entries(measured.ratios))
    console.log(`  ${name.padEnd(36)} ${ratio.toFixed(2).padStart(7)}`);
}

process.exitCode = await main();
