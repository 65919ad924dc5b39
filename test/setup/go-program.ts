import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './docker-daemon.ts';

export interface GoProgram {
  readonly name: string;
  readonly version: string;
  /** Its Go package. */
  readonly path: string;
}

/** The path of a program: the machine's own, else built by the Go toolchain and kept; absent where there is neither. */
export async function ensureGoProgram({ name, version, path }: GoProgram): Promise<string | undefined> {
  const found = spawnSync('which', [name], { encoding: 'utf8' });
  if (found.status === 0) return found.stdout.trim();
  const folder = join(cacheDirectory, `${name}-${version}`);
  const program = join(folder, name);
  if (existsSync(program)) return program;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  console.log(`• ${name} ${version}: building it, some minutes the first time`);
  mkdirSync(folder, { recursive: true });
  const child = spawn('go', ['install', `${path}@${version}`], {
    stdio: 'ignore',
    env: { ...process.env, GOBIN: folder },
  });
  return new Promise((resolve) => {
    child.on('error', () => resolve(undefined));
    child.on('exit', (code) => resolve(code === 0 ? program : undefined));
  });
}
