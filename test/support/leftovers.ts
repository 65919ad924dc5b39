import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ending } from './ending.ts';

const RUNTIME = process.getuid?.() === 0 ? '/run/muster' : undefined;

/** Everything left by the drills of an evidence directory besides evidence, keys and diagnosis: empty if they cleaned up. */
export async function leftovers(
  evidence: string,
  state: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly string[]> {
  const plans = await readdir(join(evidence, 'plans'), { recursive: true }).catch(() => []);
  const drills = plans.flatMap((path) => /drl_\w+/.exec(path)?.[0] ?? []);
  const found = await Promise.all([
    dockerLeftovers(drills, env),
    cellDirectories(drills),
    stateLeftovers(state),
  ]);
  return found.flat();
}

/** What Docker still holds of these drills; others may be drilling beside them. */
async function dockerLeftovers(
  drills: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const lists = drills.flatMap((drill) => [
    ['ps', '-aq', '--filter', `label=muster.drill=${drill}`],
    ['volume', 'ls', '-q', '--filter', `label=muster.drill=${drill}`],
  ]);
  const found = await Promise.all(
    lists.map((args) =>
      ending(spawn('docker', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })).catch(() => undefined),
    ),
  );
  return found.flatMap((end) => (end?.stdout ?? '').split('\n').filter((line) => line !== ''));
}

/** Directories of sockets whose owner file names one of these drills. */
export async function cellDirectories(drills: readonly string[]): Promise<readonly string[]> {
  if (RUNTIME === undefined) return [];
  const paths = (await readdir(RUNTIME).catch(() => [])).map((name) => join(RUNTIME, name));
  const owned = await Promise.all(
    paths.map(async (path) => {
      const owner = await readFile(join(path, 'owner.json'), 'utf8').catch(() => '');
      return drills.some((drill) => owner.includes(drill)) ? [path] : [];
    }),
  );
  return owned.flat();
}

/** In the state directory only these may stay: the key, diagnosis files, and what was learnt of images. */
async function stateLeftovers(state: string): Promise<readonly string[]> {
  const entries = await readdir(state, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory() || entry.name.includes('drl_'))
    .map((entry) => join(entry.parentPath, entry.name).slice(state.length + 1))
    .filter((path) => !/^(output|keys?|images?|probes?|index|redis)\b|\.(key|pem)$/.test(path));
}
