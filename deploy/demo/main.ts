import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { isMusterError } from '@muster/core';
import { makeBackups, makeDocuments } from './make-backups.ts';

const home = join(process.cwd(), '.muster/demo');
const backups = {
  healthy: join(home, 'backups/shop'),
  damaged: join(home, 'backups/shop-damaged'),
  documents: join(home, 'backups/shop-documents'),
};
const muster = join(process.cwd(), 'packages/cli/bin/muster.mjs');
const env = { ...process.env, MUSTER_STATE_DIR: join(home, 'state') };
const once = process.argv.includes('--once');

/**
 * A shop is dumped twice, once badly. A fleet is brought up, both backups are drilled in it, and a receipt is verified.
 * It serves until Ctrl-C; with `--once` it ends: 0 if all went as it should.
 */
async function main(): Promise<number> {
  await mkdir(home, { recursive: true });
  await copyFile('deploy/demo/muster.yaml', join(home, 'muster.yaml'));
  if (!existsSync(backups.damaged)) {
    say('Making a shop of 260,000 rows, and two backups of it');
    await makeBackups(backups, join(home, 'state'));
  }
  if (!existsSync(backups.documents)) await tryDocuments();
  say('A fleet: producer, queue, worker and sink, all on this machine');
  const fleet = startFleet();
  try {
    const asItShould = await Promise.race([fleet.ready.then(demonstrate), fleet.ended.then(() => undefined)]);
    if (asItShould === undefined) {
      say('The fleet ended by itself. The end of its log:');
      console.log(fleet.log.slice(-10).join('\n'));
      return 2;
    }
    say(asItShould ? 'That went as it should. Yours to look at:' : 'That did not go as it should.');
    const here = relative(process.cwd(), home);
    const config = `--config ${here}/muster.yaml`;
    const state = `MUSTER_STATE_DIR=${here}/state`;
    console.log(`  configuration  ${here}/muster.yaml
  receipts       ${here}/evidence/receipts/
  another drill  ${state} npx muster drill enqueue ${config} --source shop --watch
  all of them    ${state} npx muster drill list ${config}
  verify         npx muster verify ${here}/shop.sigstore.json --keyring ${here}/keys
  with cosign    see README.md`);
    if (!once) {
      say('The fleet goes on, and drills both every night. Ctrl-C ends it.');
      await Promise.race([interrupted(), fleet.ended]);
    }
    return asItShould ? 0 : 2;
  } finally {
    await fleet.stop();
  }
}

/** A MongoDB is not to be had everywhere: that the rest works matters more. */
async function tryDocuments(): Promise<void> {
  say('Putting its orders into a MongoDB, and making a backup of them');
  try {
    await makeDocuments(backups.documents, join(home, 'state'));
  } catch (error) {
    if (!isMusterError(error, 'image_unavailable') && !isMusterError(error, 'isolation_unavailable'))
      throw error;
    console.log(`${error.message}\nThe demonstration goes on without MongoDB.`);
  }
}

async function demonstrate(): Promise<boolean> {
  say('A drill of the healthy backup');
  const healthy = await run('drill', 'enqueue', '--source', 'shop', '--watch');
  say('A drill of the damaged one: pg_dump exited 0 for it, too');
  const damaged = await run('drill', 'enqueue', '--source', 'shop-damaged', '--watch');
  const documents = existsSync(backups.documents) ? await drillDocuments() : 0;
  say('The newest receipt of the first, verified with nothing but the public key and the dump');
  const receipt = await newestReceipt('shop');
  if (receipt === undefined) return false;
  await copyFile(receipt, join(home, 'shop.sigstore.json'));
  const [dump = ''] = await readdir(backups.healthy);
  const verified = await run(
    'verify',
    'shop.sigstore.json',
    '--keyring',
    'keys',
    '--artefact',
    join('backups/shop', dump),
  );
  return healthy === 0 && damaged === 1 && documents === 0 && verified === 0;
}

function drillDocuments(): Promise<number> {
  say('A drill of the documents, in a MongoDB');
  return run('drill', 'enqueue', '--source', 'shop-documents', '--watch');
}

async function newestReceipt(slug: string): Promise<string | undefined> {
  const folder = join(home, 'evidence/receipts', slug);
  const paths = await readdir(folder, { recursive: true }).catch(() => []);
  const newest = paths
    .filter((path) => path.endsWith('.sigstore.json'))
    .sort()
    .at(-1);
  return newest && join(folder, newest);
}

interface Fleet {
  readonly log: readonly string[];
  /** It takes drills. */
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Aborts when the fleet is gone: nothing is to be asked of it any more. */
const gone = new AbortController();

/** `muster up`. */
function startFleet(): Fleet {
  console.log('$ muster up');
  const child = spawn(process.execPath, [muster, 'up'], {
    cwd: home,
    env,
    // In a session of its own: Ctrl-C is for this process, which ends it in its turn.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      gone.abort();
      resolve();
    });
  });
  const log: string[] = [];
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr ?? process.stdin }).on('line', (line) => {
      log.push(line);
      if (line.startsWith('The API')) console.log(line);
      if (line.includes('"service":"worker"') && line.includes('"msg":"ready"')) resolve();
    });
  });
  return { log, ready, ended, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  await ended;
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

/** The command as a user has it, its output as ours. */
function run(...args: readonly string[]): Promise<number> {
  if (gone.signal.aborted) return Promise.resolve(2);
  console.log(`$ muster ${args.join(' ')}`);
  const { signal } = gone;
  const child = spawn(process.execPath, [muster, ...args], { cwd: home, stdio: 'inherit', env, signal });
  // Ctrl-C reaches the child too: wait for it.
  const wait = () => {};
  process.on('SIGINT', wait);
  return new Promise((resolve) => {
    child.on('error', () => resolve(2));
    child.on('exit', (code) => {
      process.off('SIGINT', wait);
      resolve(code ?? 2);
    });
  });
}

function say(text: string): void {
  console.log(`\n• ${text}\n`);
}

process.exitCode = await main();
