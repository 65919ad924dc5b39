import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureDocker } from '../setup/docker-daemon.ts';
import { ensureImages } from '../setup/images.ts';
import { benchDrill, type Measured } from './drill.ts';
import { benchFleet } from './fleet.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '30' },
    only: { type: 'string' },
  },
});
const runs = Number(values.runs);
const scale = Number(values.scale);

/** Measures side by side in one run, because on a shared machine only ratios mean something. `--only drill|fleet`. */
async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    const drilled = values.only === 'fleet' ? 0 : await drill(folder);
    return values.only === 'drill' ? drilled : drilled || (await fleet(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function drill(folder: string): Promise<number> {
  const docker = await ensureDocker();
  if (docker === undefined) {
    console.error('The benchmark of a drill needs a Docker daemon.');
    return 2;
  }
  try {
    await ensureImages(docker);
    process.env['DOCKER_HOST'] = docker.host;
    const measured = await benchDrill({ folder, runs, scale });
    print(`median of ${runs} runs, ms`, measured.medianMs, measured.ratios);
    await keep('drill', { runs, scale, ...measured });
    return 0;
  } finally {
    await docker.stop();
  }
}

async function fleet(folder: string): Promise<number> {
  const measured = await benchFleet(folder);
  print('the fleet, one run', measured.figures, measured.ratios);
  await keep('fleet', measured);
  return 0;
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
