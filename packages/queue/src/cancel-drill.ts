import type { DrillQueue } from './drill-queue.js';
import type { DrillStates } from './drill-states.js';
import type { ReceiptQueue } from './receipt-queue.js';

export interface CancelPorts {
  readonly drills: DrillQueue;
  readonly states: DrillStates;
  readonly receipts: ReceiptQueue;
}

/**
 * Cancels a drill wherever it is. One that waits leaves the queue at once and its receipt is the sink's; one that runs
 * is told to stop, and its worker signs what it saw until then. The wish itself is durable, so that whoever takes or
 * misses the drill later honours it.
 * @returns `absent` where no queue holds it: it is over, or was never asked for. @throws `redis_unavailable`.
 */
export async function cancelDrill(
  { drills, states, receipts }: CancelPorts,
  drillId: string,
  by: string,
): Promise<'cancelled' | 'stopping' | 'absent'> {
  const queued = await drills.find(drillId);
  if (queued === undefined) return 'absent';
  await states.requestCancel(drillId, by);
  const removed = await drills.remove(drillId);
  if (removed === 'running') return 'stopping';
  if (removed === 'absent') return 'absent';
  const attempts = await states.attempts(drillId);
  await receipts.publish({
    type: 'unfinished',
    plan: queued.plan,
    reason: 'cancelled',
    attempts: [...attempts],
  });
  return 'cancelled';
}
