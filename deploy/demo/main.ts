import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { makeBackups } from './make-backups.ts';

const home = join(process.cwd(), '.muster/demo');
const backups = { healthy: join(home, 'backups/shop'), damaged: join(home, 'backups/shop-damaged') };
const muster = join(process.cwd(), 'node_modules/.bin/muster');

/** A shop is dumped twice, once badly; both backups are drilled; a receipt is verified. Exit 0 if all went as it should. */
async function main(): Promise<number> {
  await mkdir(home, { recursive: true });
  await copyFile('deploy/demo/muster.yaml', join(home, 'muster.yaml'));
  if (!existsSync(backups.damaged)) {
    say('Making a shop of 260,000 rows, and two backups of it');
    await makeBackups(backups, join(home, 'state'));
  }
  say('A drill of the healthy backup');
  const healthy = await run('drill', 'run', '--source', 'shop', '--receipt', 'shop.sigstore.json');
  say('A drill of the damaged one: pg_dump exited 0 for it, too');
  const damaged = await run(
    'drill',
    'run',
    '--source',
    'shop-damaged',
    '--receipt',
    'shop-damaged.sigstore.json',
  );
  say('The first receipt, verified with nothing but the public key and the dump');
  const [dump = ''] = await readdir(backups.healthy);
  const verified = await run(
    'verify',
    'shop.sigstore.json',
    '--keyring',
    'keys',
    '--artefact',
    join('backups/shop', dump),
  );
  const asItShould = healthy === 0 && damaged === 1 && verified === 0;
  say(asItShould ? 'That went as it should. Yours to look at:' : 'That did not go as it should.');
  const here = relative(process.cwd(), home);
  console.log(`  configuration  ${here}/muster.yaml
  receipts       ${here}/evidence/receipts/
  another drill  npx muster drill run --config ${here}/muster.yaml --source shop
  verify         npx muster verify ${here}/shop.sigstore.json --keyring ${here}/keys
  with cosign    see README.md`);
  return asItShould ? 0 : 2;
}

/** The command as a user has it, its output as ours. */
function run(...args: readonly string[]): Promise<number> {
  console.log(`$ muster ${args.join(' ')}`);
  const child = spawn(muster, args, {
    cwd: home,
    stdio: 'inherit',
    env: { ...process.env, MUSTER_STATE_DIR: join(home, 'state') },
  });
  // Ctrl-C reaches the child too, which ends its drill with a receipt: wait for it.
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
