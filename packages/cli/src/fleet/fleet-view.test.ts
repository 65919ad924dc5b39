import { expect, it, vi } from 'vitest';
import { type FleetViewPorts, fleetView } from './fleet-view.js';

function quarantine() {
  const given = { at: 0, looked: 0, isAway: false, held: 1 };
  const store = {
    list: async function* () {
      given.looked += 1;
      if (given.isAway) throw new Error('away');
      yield `quarantine/unknown/${'b'.repeat(64)}.json`;
      yield `quarantine/unknown/${'b'.repeat(64)}.acknowledged.json`;
      yield `quarantine/unknown/${'b'.repeat(64)}.why.json`;
      for (let n = 0; n < given.held; n += 1) yield `quarantine/unknown/${n}${'a'.repeat(63)}.json`;
    },
  };
  const view = fleetView({ store, now: () => new Date(given.at) } as unknown as FleetViewPorts);
  return { given, look: () => view.quarantined() };
}

it('counts what is in quarantine and was not acknowledged once for all who look within a minute, and again after a fault', async () => {
  const { given, look } = quarantine();
  given.isAway = true;
  await expect(Promise.all([look(), look()])).rejects.toThrow('away');
  given.isAway = false;
  expect(await Promise.all([look(), look(), look()])).toEqual([1, 1, 1]);
  expect(await look()).toBe(1);
  expect(given.looked).toBe(2);
});

it('counts anew after a minute, while whoever looks has the old count; after two it is too old', async () => {
  const { given, look } = quarantine();
  await look();
  given.held = 2;
  given.at = 60_000;
  expect(await look()).toBe(1);
  await expect.poll(look).toBe(2);
  expect(given.looked).toBe(2);
  given.held = 3;
  given.at = 180_000;
  expect(await look()).toBe(3);
  given.at = 240_000;
  given.isAway = true;
  expect(await look()).toBe(3);
  await vi.waitFor(() => expect(look()).rejects.toThrow('away'));
});
