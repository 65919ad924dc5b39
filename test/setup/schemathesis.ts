import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './docker-daemon.ts';

const VERSION = '4.32.5';

/** The path of schemathesis, in a Python environment of its own that is kept; absent where it cannot be made. */
export async function ensureSchemathesis(): Promise<string | undefined> {
  const folder = join(cacheDirectory, `schemathesis-${VERSION}`);
  const program = join(folder, 'bin', 'schemathesis');
  if (existsSync(program)) return program;
  console.log(`• schemathesis ${VERSION}: installing it, half a minute the first time`);
  if (!(await succeeds('python3', ['-m', 'venv', '--clear', folder]))) return undefined;
  const pip = ['-m', 'pip', 'install', '--quiet', `schemathesis==${VERSION}`];
  return (await succeeds(join(folder, 'bin', 'python3'), pip)) ? program : undefined;
}

function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: 'ignore' });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
