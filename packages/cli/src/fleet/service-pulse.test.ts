import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { servicePulse, withPulse } from './service-pulse.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function heard() {
  const calls: string[] = [];
  const given = { isAway: false };
  const say = async (what: string) => {
    if (given.isAway) throw new Error('away');
    calls.push(what);
  };
  const pulse = servicePulse(
    { beat: (...who) => say(`beat ${who}`), leave: (...who) => say(`leave ${who}`) },
    'sink',
    'host-1',
  );
  return { calls, given, pulse };
}

it('a service says every 10 s that it lives, from when it is ready until it is closed', async () => {
  const { calls, pulse } = heard();
  const ready = Promise.withResolvers<void>();
  const closed = vi.fn(async () => {});
  const service = withPulse({ ready: ready.promise, close: closed }, pulse);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(calls).toEqual([]);
  ready.resolve();
  await service.ready;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(calls).toEqual(['beat sink,host-1', 'beat sink,host-1', 'beat sink,host-1']);
  await service.close();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(calls.slice(3)).toEqual(['leave sink,host-1']);
  expect(closed).toHaveBeenCalledOnce();
});

it('a service that was closed before it was ready says nothing', async () => {
  const { calls, pulse } = heard();
  const ready = Promise.withResolvers<void>();
  const service = withPulse({ ready: ready.promise, close: async () => ready.resolve() }, pulse);
  await service.close();
  await service.ready;
  expect(calls).toEqual([]);
});

it('what Redis did not hear it hears the next time', async () => {
  const { calls, given, pulse } = heard();
  given.isAway = true;
  pulse.start();
  await vi.advanceTimersByTimeAsync(10_000);
  given.isAway = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(calls).toEqual(['beat sink,host-1']);
  given.isAway = true;
  await pulse.stop();
});
