import type { Plan } from '@muster/core';
import { type EvidenceStore, getPlan, putPlan } from '@muster/evidence';
import type { DrillEvents } from './drill-events.js';
import type { AddOptions, DrillQueue } from './drill-queue.js';
import type { ReceiptQueue } from './receipt-queue.js';

export interface RequestPorts {
  readonly store: EvidenceStore;
  readonly drills: DrillQueue;
  readonly receipts: ReceiptQueue;
  readonly events: DrillEvents;
}

/**
 * Asks for a drill: its plan into the evidence store first, then its job into the queue. To ask for the same drill again
 * changes nothing: it is queued as it was planned first, though the configuration be another by now. `skipped`: the
 * drill before it is not over, and a receipt says so.
 * @throws `evidence_unwritable`, `evidence_malformed`, `redis_unavailable`: then it may be asked for again.
 */
export async function requestDrill(
  ports: RequestPorts,
  asked: Plan,
  options: AddOptions,
  signal: AbortSignal,
): Promise<'queued' | 'exists' | 'skipped'> {
  const { store } = ports;
  const isFirst = (await putPlan(store, asked, signal)) === 'stored';
  const plan = isFirst ? asked : await getPlan(store, asked.source.slug, asked.drill_id, signal);
  const added = await ports.drills.add(plan, options);
  if (added === 'overrun') {
    await ports.receipts.publish({
      type: 'unfinished',
      plan,
      reason: 'overrun_skipped',
      attempts: [],
      traceparent: options.traceparent,
    });
    return 'skipped';
  }
  if (added === 'queued') {
    await ports.events.publish(plan.drill_id, { type: 'queued', source: plan.source.slug, pool: plan.pool });
  }
  return added;
}
