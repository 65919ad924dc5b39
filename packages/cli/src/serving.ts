import { constants } from 'node:os';
import type { Interruptible } from './interruption.js';

/** `disconnect`: the process that started this one is gone. */
const STOPS = ['SIGINT', 'SIGTERM', 'disconnect'] as const;

/**
 * Runs a service until it is told to stop: the signal then aborts, and the service ends in its own time. A second time
 * ends the process at once. SIGHUP means to read the configuration again.
 */
export async function serving(
  process: Interruptible,
  onHangup: () => void,
  serve: (stop: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const listeners = [
    ...STOPS.map((stop) => ({
      stop,
      listener: () => {
        if (controller.signal.aborted)
          process.exit(stop === 'disconnect' ? 1 : 128 + constants.signals[stop]);
        controller.abort();
      },
    })),
    { stop: 'SIGHUP', listener: onHangup },
  ];
  for (const { stop, listener } of listeners) process.on(stop, listener);
  try {
    await serve(controller.signal);
  } finally {
    for (const { stop, listener } of listeners) process.off(stop, listener);
  }
}

/** Resolves when the signal aborts. */
export function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
