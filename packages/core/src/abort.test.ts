import { afterEach, expect, test, vi } from 'vitest';
import { orAborted, orStuck, stopOnAbort } from './abort.js';

afterEach(() => vi.useRealTimers());

const reason = new Error('stopped');
const never = () => new Promise<never>(() => undefined);

test('what is to stop the work is called when the signal aborts, and not after the work', async () => {
  const abort = new AbortController();
  const stop = vi.fn();
  await expect(stopOnAbort(abort.signal, stop, async () => 'done')).resolves.toBe('done');
  abort.abort(reason);
  expect(stop).not.toHaveBeenCalled();

  const other = new AbortController();
  await stopOnAbort(other.signal, stop, async () => other.abort(reason));
  expect(stop).toHaveBeenCalledOnce();
});

test('work is not begun after the abort', async () => {
  const work = vi.fn();
  await expect(stopOnAbort(AbortSignal.abort(reason), vi.fn(), work)).rejects.toBe(reason);
  expect(work).not.toHaveBeenCalled();
});

test('work that does not end is left at the abort, with the reason of the signal', async () => {
  const abort = new AbortController();
  const left = orAborted(never(), abort.signal);
  abort.abort(reason);
  await expect(left).rejects.toBe(reason);
  await expect(orAborted(never(), AbortSignal.abort(reason))).rejects.toBe(reason);
  await expect(orAborted(Promise.resolve(7), new AbortController().signal)).resolves.toBe(7);
});

test('work has a minute to stop by itself', async () => {
  vi.useFakeTimers();
  const abort = new AbortController();
  const stops = Promise.withResolvers<string>();
  const stopped = orStuck(stops.promise, abort.signal);
  const stuck = orStuck(never(), abort.signal);
  stuck.catch(() => undefined);
  abort.abort(reason);
  vi.advanceTimersByTime(59_000);
  stops.resolve('stopped');
  await expect(stopped).resolves.toBe('stopped');
  vi.advanceTimersByTime(1_000);
  await expect(stuck).rejects.toBe(reason);
  expect(vi.getTimerCount()).toBe(0);
});
