import { isMusterError, MusterError, orStuck } from '@muster/core';
import { sizeInside } from './size-inside.js';
import type { TakePhase, TakeProgress } from './take.js';
import { whyStopped } from './why-stopped.js';

/** Where a take is, and what ends it. */
export interface TakePhases {
  /** Aborts when the take is told to stop, and when its time is over. */
  readonly signal: AbortSignal;
  enter(phase: TakePhase): void;
  /** Bytes of this phase. */
  tell(bytes: number, totalBytes?: number): void;
  /** `work`, and meanwhile how much is in a directory. */
  watched<T>(directory: string, everyMs: number, work: () => Promise<T>): Promise<T>;
  /** `work`, but no longer than a minute beyond the end of {@link signal}: what is stuck in the kernel never ends. */
  race<T>(work: Promise<T>): Promise<T>;
  /** What an error means, that came from within. */
  explain(error: unknown): unknown;
}

/** So often a terminal is told. */
const TELL_MS = 100;

export function createTakePhases(
  limitMs: number,
  onProgress: (progress: TakeProgress) => void,
  cancel: AbortSignal,
): TakePhases {
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([cancel, limit]);
  let phase: TakePhase = 'survey';
  let told = 0;
  const tell = (bytes: number, totalBytes?: number): void => {
    const at = performance.now();
    if (at - told < TELL_MS) return;
    told = at;
    onProgress({ phase, bytes, ...(totalBytes !== undefined && { totalBytes }) });
  };
  return {
    signal,
    enter(next) {
      signal.throwIfAborted();
      phase = next;
      told = 0;
      onProgress({ phase });
    },
    tell,
    async watched(directory, everyMs, work) {
      const timer = setInterval(() => void sizeInside(directory).then(tell, () => undefined), everyMs);
      try {
        return await work();
      } finally {
        clearInterval(timer);
      }
    },
    race: (work) => orStuck(work, signal),
    explain(error) {
      if (cancel.aborted) {
        const { code, words } = whyStopped(cancel);
        return new MusterError(
          code,
          `${words} It was stopped in its phase "${phase}": no backup was left of it.`,
          { cause: error },
        );
      }
      if (limit.aborted && !isMusterError(error, 'take_exists')) {
        return new MusterError(
          'time_limit',
          `The take reached its time limit of ${limitMs / 1000} s in its phase "${phase}": raise take.limit of the source, or find what is slow. No backup was left of it.`,
          { cause: error },
        );
      }
      return error;
    },
  };
}
