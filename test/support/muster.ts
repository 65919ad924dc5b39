import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder of its own with the files given, and the command `muster` (as `build-command.ts` built it) run in it. */
export interface MusterFolder {
  readonly folder: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Starts it, for tests that disturb it. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Started;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Resolves when it has printed this, on stdout or stderr. */
  said(pattern: RegExp): Promise<void>;
}

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const COMMAND = at('../../packages/cli/bin/muster.mjs');

export async function musterFolder(files: Readonly<Record<string, string>> = {}): Promise<MusterFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-cli-'));
  const write = async (file: string, text: string): Promise<void> => {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  for (const [file, text] of Object.entries(files)) await write(file, text);
  const start: MusterFolder['start'] = (args, env = {}) => {
    const child = spawn(process.execPath, [COMMAND, ...args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        DOCKER_HOST: process.env['DOCKER_HOST'],
        MUSTER_STATE_DIR: join(folder, 'state'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return observed(child);
  };
  return {
    folder,
    start,
    run: (args, env) => start(args, env).ended,
    read: (file) => readFile(join(folder, file), 'utf8'),
    write,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function observed(child: ChildProcess): Started {
  const text = { stdout: '', stderr: '' };
  const waiting: { pattern: RegExp; resolve: () => void }[] = [];
  const listen = (stream: 'stdout' | 'stderr'): void => {
    child[stream]?.setEncoding('utf8').on('data', (piece: string) => {
      text[stream] += piece;
      for (const { pattern, resolve } of waiting) if (pattern.test(text[stream])) resolve();
    });
  };
  listen('stdout');
  listen('stderr');
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, ...text }));
  });
  return {
    child,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        if (pattern.test(text.stdout) || pattern.test(text.stderr)) resolve();
        waiting.push({ pattern, resolve });
        void ended.then(({ stderr }) => reject(new Error(`it ended before it said ${pattern}: ${stderr}`)));
      }),
  };
}
