import { createPlan, newDrillId, type Plan, parseConfig } from '@muster/core';
import { expect, it } from 'vitest';
import { drillsOfBoth, fleetDrills } from './fleet-drills.js';
import type { FleetQueues } from './fleet-queues.js';

const signal = AbortSignal.timeout(5_000);
const YAML =
  'sources: [{ slug: shop, kind: postgres, backup: { type: dump, location: /b }, restore_only: true }]';
const parsed = parseConfig(YAML, { file: 'muster.yaml', baseDirectory: '/' });
if (!parsed.ok || parsed.config.sources[0] === undefined) throw new Error('it has no faults');
const plan = createPlan(parsed.config, parsed.config.sources[0], {
  drillId: newDrillId(new Date()),
  trigger: { kind: 'api' },
  restorePoint: { kind: 'id', id: 'a.dump' },
});
const other: Plan = {
  ...plan,
  drill_id: newDrillId(new Date()),
  source: { slug: 'other', kind: 'postgres' },
};
const STORING = newDrillId(new Date());

const queues = (state: 'active' | 'waiting') =>
  ({
    drills: { list: async () => [plan, other].map((one) => ({ plan: one, state, idleSince: new Date() })) },
    receipts: {
      list: async () => [
        { drillId: STORING, source: 'shop' },
        { drillId: other.drill_id, source: 'other' },
      ],
    },
    passed: { list: async (slug: string) => [{ id: `${slug}.dump` }] },
  }) as unknown as FleetQueues;
const RUNNING = { drillId: plan.drill_id, restorePoint: { kind: 'id', id: 'a.dump' } };

it('a drill of the source that runs may be reading what it was asked for, and one whose receipt is on its way anything', async () => {
  expect(await fleetDrills(queues('active'), 'shop')([], signal)).toEqual({
    open: [RUNNING, { drillId: STORING }],
    passed: [{ id: 'shop.dump' }],
  });
  expect((await fleetDrills(queues('waiting'), 'shop')([], signal)).open).toEqual([{ drillId: STORING }]);
});

it('a worker that cannot read the evidence store goes by its fleet; one that can by both', async () => {
  const fleet = fleetDrills(queues('active'), 'shop');
  const away = drillsOfBoth(fleet, () => Promise.reject(new Error('away')));
  expect(await away([], signal)).toEqual(await fleet([], signal));
  const written = { open: [{ drillId: 'by hand' }], passed: [{ id: 'old.dump' }] };
  expect(await drillsOfBoth(fleet, async () => written)([], signal)).toEqual({
    open: [RUNNING, { drillId: STORING }, { drillId: 'by hand' }],
    passed: [{ id: 'shop.dump' }, { id: 'old.dump' }],
  });
});

it('a fleet that does not answer is a fault, whatever the evidence store says', async () => {
  const none = async () => ({ open: [], passed: [] });
  const gone = { ...queues('active'), passed: { list: () => Promise.reject(new Error('gone')) } };
  const fleet = fleetDrills(gone as unknown as FleetQueues, 'shop');
  await expect(drillsOfBoth(fleet, none)([], signal)).rejects.toThrow('gone');
});
