import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Logger } from '@muster/telemetry';

/** A `muster worker` as a process of its own, started again whenever it dies. */
export interface WorkerProcess {
  /** Lets it end what runs within its grace time; resolves when it is gone. */
  stop(): Promise<void>;
  kill(): void;
}

const SOONEST_MS = 1_000;
const LATEST_MS = 30_000;
/** After so long it counts as healthy: the next start is soon again. */
const HEALTHY_MS = 60_000;

export function startWorkerProcess(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): WorkerProcess {
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  const run = async (): Promise<void> => {
    for (let wait = SOONEST_MS; !stopping.signal.aborted; wait = Math.min(wait * 2, LATEST_MS)) {
      const startedAt = Date.now();
      // In a session of its own, for Ctrl-C at the terminal is not for it; the channel tells it when this process is gone.
      child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', 'worker', ...args], {
        detached: true,
        env,
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      await once(child, 'exit').catch(() => {});
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt > HEALTHY_MS) wait = SOONEST_MS;
      logger.error('the worker ended by itself; another is started', undefined, { after_ms: wait });
      await pause(wait, stopping.signal);
    }
  };
  const ended = run();
  return {
    kill: () => child?.kill('SIGKILL'),
    stop: async () => {
      stopping.abort();
      child?.kill('SIGTERM');
      await ended;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
