import { expect, it } from 'vitest';
import { type FleetViewPorts, fleetView } from './fleet-view.js';

it('counts what is in quarantine once for all who look within a minute, and again after a fault', async () => {
  let [at, looked, isAway] = [0, 0, true];
  const store = {
    list: async function* () {
      looked += 1;
      if (isAway) throw new Error('away');
      yield 'quarantine/a';
    },
  };
  const view = fleetView({ store, now: () => new Date(at) } as unknown as FleetViewPorts);
  const look = () => view.quarantined(AbortSignal.timeout(10_000));
  await expect(Promise.all([look(), look()])).rejects.toThrow('away');
  isAway = false;
  expect(await Promise.all([look(), look(), look()])).toEqual([1, 1, 1]);
  expect(await look()).toBe(1);
  expect(looked).toBe(2);
  at = 60_000;
  expect(await look()).toBe(1);
  expect(looked).toBe(3);
});
