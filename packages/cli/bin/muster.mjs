#!/usr/bin/env node
/**
 * The door: plain JavaScript that an old Node can read too. Muster needs Node 22; where an older one is found first
 * (`npx muster` on a machine with Node 20), the `node` package installed beside Muster takes over.
 */
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 22;
const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
const main = join(here, '..', 'dist', 'main.js');
const self = fileURLToPath(import.meta.url);

function refuse(message) {
  process.stderr.write(`muster: ${message}\n`);
  process.exit(2);
}

function installedNode(directory) {
  const node = join(directory, 'node_modules', 'node', 'bin', 'node');
  if (existsSync(node)) return node;
  const parent = dirname(directory);
  return parent === directory ? undefined : installedNode(parent);
}

function handOver(node) {
  // The channel tells the newer process when this one is gone, even by SIGKILL, so that it takes its scratch down.
  const child = spawn(node, [self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A terminal sends Ctrl-C to both processes; sent on as well it would count twice.
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) {
    process.on(signal, () => {
      if (!atTerminal || signal === 'SIGTERM') child.kill(signal);
    });
  }
  child.on('error', (error) =>
    refuse(`${node} does not start (${error.message}); reinstall it with npm install`),
  );
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** Only where nobody may write who may not write the code as well. Where that cannot be, it begins a little later. */
function rememberCompiled(directory) {
  try {
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o755 });
    const found = lstatSync(directory);
    if (found.isDirectory() && found.uid === statSync(main).uid && (found.mode & 0o022) === 0)
      module.enableCompileCache?.(directory);
  } catch {
    // Read-only, or somebody else's.
  }
}

if (!existsSync(main)) refuse('it is not built yet; run npm run build in its repository');
// The kernel ends the first process of a container by no SIGTERM that nobody listens for: nothing would stop one that starts.
if (process.pid === 1) {
  process.on('SIGTERM', () => {
    if (process.listenerCount('SIGTERM') === 1) process.exit(128 + constants.signals.SIGTERM);
  });
}
if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) {
  rememberCompiled(join(main, '..', '.compiled'));
  await import('../dist/main.js');
} else {
  const node = installedNode(here);
  if (node === undefined)
    refuse(
      `this is Node ${process.versions.node}, and Muster needs Node ${OLDEST_NODE} or newer; ` +
        'install one from https://nodejs.org, or npm install node@24 beside Muster',
    );
  else handOver(node);
}
