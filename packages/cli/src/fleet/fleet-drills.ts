import type { LookAtDrills } from '@muster/backups';
import { openAs } from '../evidence-drills.js';
import type { FleetQueues } from './fleet-queues.js';

/** The drills of a source as the queues of its fleet know them: what runs, what waits for its receipt to be stored, what passed. */
export const fleetDrills =
  (
    { drills, receipts, passed }: Pick<FleetQueues, 'drills' | 'receipts' | 'passed'>,
    slug: string,
  ): LookAtDrills =>
  async () => {
    // In the order in which a drill goes: whatever goes on meanwhile is in one of them at least.
    const queued = await drills.list();
    const storing = await receipts.list();
    return {
      open: [
        ...queued.flatMap(({ plan, state }) =>
          plan.source.slug === slug && (state === 'active' || state === 'abandoned') ? [openAs(plan)] : [],
        ),
        // Nobody knows yet whether it passed.
        ...storing.flatMap(({ drillId, source }) => (source === slug ? [{ drillId }] : [])),
      ],
      passed: await passed.list(slug),
    };
  };

const READING_MS = 30_000;

/**
 * What the fleet knows, and what is written down besides: of drills by hand. A worker need not be able to read the evidence
 * store, and then goes by the fleet alone.
 */
export const drillsOfBoth =
  (fleet: LookAtDrills, evidence: LookAtDrills): LookAtDrills =>
  async (backups, signal) => {
    const written = await evidence(backups, AbortSignal.any([signal, AbortSignal.timeout(READING_MS)])).catch(
      () => ({ open: [], passed: [] }),
    );
    signal.throwIfAborted();
    const known = await fleet(backups, signal);
    return {
      open: [...known.open, ...written.open],
      passed: [...known.passed, ...written.passed],
    };
  };
