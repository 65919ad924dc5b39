import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureCompose } from './compose.ts';
import { ensureCosign } from './cosign.ts';
import { ensureDocker } from './docker-daemon.ts';
import { ensureImages } from './images.ts';
import { ensureMongo, linkMongod } from './mongo.ts';
import { ensureSchemathesis } from './schemathesis.ts';
import { ensureVersitygw } from './versitygw.ts';

/** Sets up what the tests need, runs unit and integration tests, and takes down what it started. */
async function main(filters: readonly string[]): Promise<number> {
  const docker = await ensureDocker();
  try {
    const [, , cosign, versitygw, schemathesis] = await Promise.all([
      docker && ensureImages(docker),
      ensureMongo(docker),
      ensureCosign(),
      ensureVersitygw(),
      ensureSchemathesis(),
    ]);
    const compose = docker && ensureCompose();
    const env = {
      ...process.env,
      ...(docker && { DOCKER_HOST: docker.host }),
      ...(compose && { MUSTER_TEST_COMPOSE: compose }),
      ...(cosign && { MUSTER_TEST_COSIGN: cosign }),
      ...(versitygw && { MUSTER_TEST_VERSITYGW: versitygw }),
      ...(schemathesis && { MUSTER_TEST_SCHEMATHESIS: schemathesis }),
    };
    const unlinkMongod = linkMongod();
    try {
      return await runTests(filters, env);
    } finally {
      unlinkMongod();
    }
  } finally {
    await docker?.stop();
  }
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

async function runTests(filters: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const reports = mkdtempSync(join(tmpdir(), 'muster-test-report-'));
  try {
    const unit =
      filters.length > 0 ? 0 : await run('turbo', ['run', 'test', '--output-logs=errors-only'], env);
    const file = join(reports, 'integration.json');
    const vitest = ['run', '--config', 'test/vitest.config.ts', '--reporter=default', '--reporter=json'];
    const integration = await run('vitest', [...vitest, `--outputFile.json=${file}`, ...filters], env);
    const units = filters.length > 0 ? [] : unitReports();
    const counts = [...units, file].map(countsIn);
    const sum = (key: keyof Counts) => counts.reduce((total, one) => total + one[key], 0);
    // The last line that tools which count tests read.
    console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
    return unit || integration;
  } finally {
    rmSync(reports, { recursive: true });
  }
}

function unitReports(): readonly string[] {
  const found = spawnSync('sh', ['-c', 'ls packages/*/dist/unit-tests.json'], { encoding: 'utf8' });
  return found.stdout.split('\n').filter((line) => line !== '');
}

function countsIn(file: string): Counts {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
    const { numPassedTests: passed = 0, numFailedTests: failed = 0, numPendingTests: skipped = 0 } = report;
    return { passed, failed, skipped };
  } catch {
    // The runner died before it could report: that is a failure, whatever ran.
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const path = `${join(process.cwd(), 'node_modules/.bin')}:${env['PATH']}`;
  const child = spawn(command, args, {
    stdio: 'inherit',
    env: { ...env, PATH: path, TURBO_TELEMETRY_DISABLED: '1' },
  });
  return new Promise((resolve) => {
    child.on('error', () => resolve(2));
    child.on('exit', (code) => resolve(code ?? 2));
  });
}

process.exitCode = await main(process.argv.slice(2));
