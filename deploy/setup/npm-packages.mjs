import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Plain JavaScript for Node 20 and later: it runs before anything is installed.

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The Node 24 that the project brings along. */
export const node24 = join(root, 'node_modules/.bin/node');

/**
 * Installs what the lock file names, unless that is done already. Not `npm ci`: it refuses a lock file made where the
 * registry holds the native packages of this platform alone.
 */
export function ensureNpmPackages() {
  const lock = lockDigest();
  const stamp = join(root, 'node_modules/.muster-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log('• npm packages: installing what package-lock.json names');
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lockDigest());
}

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Compiles all packages, silently if it can; what has not changed comes from turbo's cache. */
export function build() {
  console.log('• Building Muster: half a minute the first time');
  const turbo = join(root, 'node_modules/.bin/turbo');
  const args = ['run', 'build', '--output-logs=errors-only', '--no-update-notifier'];
  const { status, error, stdout, stderr } = spawnSync(turbo, args, options({ encoding: 'utf8' }));
  if (status === 0) return;
  console.error(error?.message ?? `${stdout}${stderr}`);
  process.exit(status ?? 2);
}

/** Runs a command of the project, its output as ours; ends this process with its code where it fails. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, options({ stdio: 'inherit' }));
  if (error) console.error(`${command} could not be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 2);
}

/** In the root of the repository, the commands of its packages first on PATH. */
function options(more) {
  const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`;
  return { cwd: root, env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', PATH: path }, ...more };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureNpmPackages();
