import { setTimeout as pause } from 'node:timers/promises';

/**
 * Throws where `signal` has aborted, or is to abort by a timer that is overdue: where the process stood still, what it waited
 * for goes on before the clock is looked at.
 */
export async function stillGoing(signal: AbortSignal): Promise<void> {
  await pause(0);
  signal.throwIfAborted();
}
