import { isMusterError } from '@muster/core';
import type { EvidenceStore } from '@muster/evidence';
import { getPlan } from '@muster/evidence';
import type { QueuedDrill } from '@muster/queue';
import { hasReceipt } from './ask-due.js';
import { missingReceipts, type Named } from './missing-receipts.js';
import type { ProducerPorts } from './producer-ports.js';

/** A drill is asked for within that time after its plan is written: until then it may well be in no queue. */
const ASKING_MS = 60_000;
/** A drill that no worker took within that time, for whatever reason, had no room. */
const LONGEST_IDLE_MS = 24 * 60 * 60_000;

export interface LostDrills {
  /** This drill has a plan: see whether it ends in a receipt. */
  suspect(drill: Named): void;
  /** Every drill that the evidence store has a plan and no receipt of becomes a suspect. */
  search(store: EvidenceStore, signal: AbortSignal): Promise<void>;
  /**
   * Settles the suspects that nobody has had for a minute, and what no worker took for a day. A fault of one is logged,
   * and keeps no other waiting.
   */
  pass(store: EvidenceStore, signal: AbortSignal): Promise<{ lost: number }>;
}

/**
 * Finds drills that no queue holds and that have no receipt.
 *
 * Without a wipe of Redis a drill is lost by a crash between its plan and its queue, between a cancel and its receipt,
 * by a job removed by hand, or by the last second of an append-only file. Of those, what was in a queue at one look and
 * is in none at the next is noticed here, with one listing of the queues; one whose receipt is in quarantine is known to
 * the sink; what a schedule asked for is told by whoever
 * accounts for due times; and the rest (asked for by hand, and gone within one look) by the daily search.
 */
export function createLostDrills(ports: ProducerPorts): LostDrills {
  const { drills, receipts, quarantined, states, now } = ports;
  const suspects = new Map<string, { readonly slug: string; since: number | undefined }>();
  const suspect = ({ slug, drillId }: Named) => {
    if (!suspects.has(drillId)) suspects.set(drillId, { slug, since: undefined });
  };

  const isHeld = async (drillId: string): Promise<boolean> =>
    (await drills.find(drillId)) !== undefined || (await receipts.holds(drillId));

  const settle = async (store: EvidenceStore, { slug, drillId }: Named, signal: AbortSignal) => {
    const plan = await getPlan(store, slug, drillId, signal);
    const reason = (await states.cancelRequested(drillId)) ? 'cancelled' : 'lost';
    const attempts = await states.attempts(drillId);
    await receipts.publish({ type: 'unfinished', plan, reason, attempts: [...attempts] });
  };

  /** Out of its queue first, so that no worker begins it now. */
  const endNeglected = async ({ plan }: QueuedDrill): Promise<void> => {
    if ((await drills.remove(plan.drill_id)) !== 'removed') return;
    const attempts = await states.attempts(plan.drill_id);
    await receipts.publish({ type: 'unfinished', plan, reason: 'no_capacity', attempts: [...attempts] });
    const of = { drill_id: plan.drill_id, source: plan.source.slug, pool: plan.pool };
    ports.logger.warn('no worker of its pool took this drill for a whole day', of);
  };

  /** @returns whether it was settled just now. */
  const look = async (store: EvidenceStore, { slug, drillId }: Named, signal: AbortSignal) => {
    const known = suspects.get(drillId);
    if (known === undefined) return false;
    if (await isHeld(drillId)) {
      known.since = undefined;
      return false;
    }
    // Asked last: a receipt is stored before its queue lets go of it.
    if (await hasReceipt(store, slug, drillId, signal)) {
      suspects.delete(drillId);
      return false;
    }
    known.since ??= now().getTime();
    if (now().getTime() - known.since < ASKING_MS) return false;
    await settle(store, { slug, drillId }, signal);
    return true;
  };

  return {
    suspect,

    async search(store, signal) {
      for await (const drill of missingReceipts(store, signal)) suspect(drill);
    },

    async pass(store, signal) {
      const queued = new Set<string>();
      for (const drill of await drills.list()) {
        const { plan, state, idleSince } = drill;
        suspect({ slug: plan.source.slug, drillId: plan.drill_id });
        queued.add(plan.drill_id);
        const neglected = state === 'waiting' && now().getTime() - idleSince.getTime() > LONGEST_IDLE_MS;
        if (neglected) await endNeglected(drill);
      }
      for (const { source, drillId } of await quarantined.list()) suspect({ slug: source, drillId });
      let lost = 0;
      const faults: unknown[] = [];
      for (const [drillId, known] of suspects) {
        signal.throwIfAborted();
        if (queued.has(drillId)) {
          known.since = undefined;
          continue;
        }
        try {
          if (await look(store, { slug: known.slug, drillId }, signal)) lost += 1;
        } catch (error) {
          if (signal.aborted || isMusterError(error, 'redis_unavailable')) throw error;
          faults.push(error);
          // Its plan lies in another evidence store, or is none: nothing can be said of it.
          if (isMusterError(error, 'evidence_not_found') || isMusterError(error, 'evidence_malformed')) {
            suspects.delete(drillId);
          }
        }
      }
      if (faults.length > 0) {
        ports.logger.error('what became of a drill could not be found', faults[0], { drills: faults.length });
      }
      return { lost };
    },
  };
}
