import {
  createPlan,
  isMusterError,
  jitterOf,
  type Plan,
  receiptKey,
  scheduledDrillId,
  scheduledSource,
} from '@muster/core';
import type { EvidenceStore } from '@muster/evidence';
import { type AddOptions, drillsQueue, requestDrill } from '@muster/queue';
import { activeContext, traceRequest } from '@muster/telemetry';
import type { InForce, Scheduled } from './in-force.js';
import type { ProducerPorts } from './producer-ports.js';

/** The one plan of a due time, whoever makes it. */
export function planDue({ read }: InForce, { source, schedule }: Scheduled, due: Date): Plan {
  return createPlan(read.config, scheduledSource(source, schedule), {
    drillId: scheduledDrillId(source.slug, schedule.name, due),
    trigger: { kind: 'schedule', schedule: schedule.name, scheduled_for: due.toISOString() },
    restorePoint: schedule.restorePoint,
  });
}

/** How its drill is queued at `now`: what it is late by counts against its jitter. */
function queueOptions({ key, source, schedule }: Scheduled, due: Date, now: Date): AddOptions {
  const delayMs = due.getTime() + jitterOf(source.slug, schedule) - now.getTime();
  return {
    ...(delayMs > 0 && { delayMs }),
    ...(schedule.overrun === 'skip' && { unlessRunning: key }),
  };
}

export type Asked = 'queued' | 'exists' | 'skipped' | 'over';

/**
 * Asks for the drill of one due time. `over`: it has a receipt, or one is on its way, so that a tick that comes twice
 * does not restore twice. @throws `evidence_unwritable`, `redis_unavailable`: then it may be asked for again.
 */
export async function askDue(
  ports: ProducerPorts,
  inForce: InForce,
  scheduled: Scheduled,
  due: Date,
  signal: AbortSignal,
): Promise<Asked> {
  const plan = planDue(inForce, scheduled, due);
  const { store } = inForce;
  if (await ports.receipts.holds(plan.drill_id)) return 'over';
  if (await hasReceipt(store, plan.source.slug, plan.drill_id, signal)) return 'over';
  const { drills, receipts, events } = ports;
  const request = { store, drills, receipts, events };
  const options = queueOptions(scheduled, due, ports.now());
  return await traceRequest(plan, drillsQueue(plan.pool), activeContext(), (carrier) =>
    requestDrill(request, plan, { ...options, ...carrier }, signal),
  );
}

export async function hasReceipt(
  store: EvidenceStore,
  slug: string,
  drillId: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await store.get(receiptKey(slug, drillId), signal);
    return true;
  } catch (error) {
    if (isMusterError(error, 'evidence_not_found')) return false;
    throw error;
  }
}
