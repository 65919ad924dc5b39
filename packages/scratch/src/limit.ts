import { MusterError } from '@muster/core';

/** Rejects with `launch_failed` if the promise does not settle in time; what it began goes on and is its owner's. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new MusterError('launch_failed', `${what} took longer than ${milliseconds / 1000} s`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

export const cancelled = (what: string): MusterError => new MusterError('cancelled', `${what} was cancelled`);

/** @throws `cancelled` */
export function refuseIfAborted(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw cancelled(what);
}

/** Does not keep the process alive. */
export const pause = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds, undefined).unref();
  });
