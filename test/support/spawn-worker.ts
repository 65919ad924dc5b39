import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Order } from './scratch-worker.js';

export interface Worker {
  readonly process: ChildProcess;
  /** Where its cell's sockets are. */
  readonly socketDir: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/**
 * Starts `scratch-worker.ts` as a process of its own; resolves when its cell is up and its script runs.
 * @param inherit descriptors of this process that it is started with, as by a careless supervisor
 */
export async function spawnWorker(order: Order, inherit: readonly number[] = []): Promise<Worker> {
  const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(
    process.execPath,
    [
      '--conditions=muster-source',
      '--disable-warning=ExperimentalWarning',
      '--import',
      at('resolve-source.mjs'),
      at('scratch-worker.ts'),
      JSON.stringify(order),
    ],
    { stdio: ['ignore', 'pipe', 'inherit', ...inherit] },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const socketDir = await new Promise<string>((resolve, reject) => {
    if (child.stdout === null) throw new Error('stdout is a pipe');
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready ')) resolve(line.slice('ready '.length));
    });
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before its cell was up`)));
  });
  return {
    process: child,
    socketDir,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
