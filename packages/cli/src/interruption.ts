import { constants } from 'node:os';

/** The part of a process that tells it to stop. */
export interface Interruptible {
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  exit(code: number): never;
}

/** `disconnect`: the older Node that started this one (bin/muster.mjs) is gone. */
const STOPS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const;

/**
 * Runs `work` with a signal that aborts on Ctrl-C, SIGTERM or a closed terminal, so that what it holds is released.
 * A second one ends the process at once: scratches die with it.
 */
export async function interruptible<T>(
  process: Interruptible,
  onInterrupt: () => void,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const listeners = STOPS.map((stop) => ({
    stop,
    listener: () => {
      if (controller.signal.aborted)
        process.exit(128 + (stop === 'disconnect' ? constants.signals.SIGHUP : constants.signals[stop]));
      controller.abort();
      onInterrupt();
    },
  }));
  for (const { stop, listener } of listeners) process.on(stop, listener);
  try {
    return await work(controller.signal);
  } finally {
    for (const { stop, listener } of listeners) process.off(stop, listener);
  }
}
