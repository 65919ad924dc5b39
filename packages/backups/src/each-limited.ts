import { mapLimited } from './map-limited.js';

/**
 * `work` for each of the items, at most `limit` at once. Where one fails the others are stopped, and have ended when this
 * rejects with what it threw.
 */
export async function eachLimited<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let failure: { readonly error: unknown } | undefined;
  await mapLimited(items, limit, async (item) => {
    if (both.aborted) return;
    await work(item, both).catch((error: unknown) => {
      failure ??= { error };
      stop.abort(error);
    });
  });
  signal.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}
