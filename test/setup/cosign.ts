import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './docker-daemon.ts';

const VERSION = 'v3.1.3';

/** The path of cosign: the machine's own, else built by the Go toolchain and kept; absent where there is neither. */
export async function ensureCosign(): Promise<string | undefined> {
  const found = spawnSync('which', ['cosign'], { encoding: 'utf8' });
  if (found.status === 0) return found.stdout.trim();
  const folder = join(cacheDirectory, `cosign-${VERSION}`);
  const path = join(folder, 'cosign');
  if (existsSync(path)) return path;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  console.log(`• cosign ${VERSION}: building it, some minutes the first time`);
  mkdirSync(folder, { recursive: true });
  const args = ['install', `github.com/sigstore/cosign/v3/cmd/cosign@${VERSION}`];
  const child = spawn('go', args, { stdio: 'ignore', env: { ...process.env, GOBIN: folder } });
  return new Promise((resolve) => {
    child.on('error', () => resolve(undefined));
    child.on('exit', (code) => resolve(code === 0 ? path : undefined));
  });
}
