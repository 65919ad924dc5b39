/** Runs `work`, and calls `stop` where `signal` aborts meanwhile. @throws the signal's reason where it had aborted before. */
export async function stopOnAbort<T>(
  signal: AbortSignal,
  stop: () => void,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** `work`, or the signal's reason as soon as it aborts, whether or not `work` ever ends: what it began is its owner's to end. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** How long work may take to stop; what is stuck in the kernel (a dead network file system) never does. */
const STOPPING_MS = 60_000;

/** `work`, which stops by itself at the end of `signal`; the signal's reason where it has not a minute later. */
export async function orStuck<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stuck = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => stuck.reject(signal.reason), STOPPING_MS);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, stuck.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}
