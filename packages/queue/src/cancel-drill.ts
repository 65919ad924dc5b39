import type { DrillQueue } from './drill-queue.js';
import type { DrillStates } from './drill-states.js';
import type { QuarantinedDrills } from './quarantined-drills.js';
import type { ReceiptQueue } from './receipt-queue.js';

export interface CancelPorts {
  readonly drills: DrillQueue;
  readonly states: DrillStates;
  readonly receipts: ReceiptQueue;
  readonly quarantined: Pick<QuarantinedDrills, 'find'>;
}

type NotCancelled = 'storing' | 'quarantined' | 'absent';

/**
 * Cancels a drill wherever it is. One that waits leaves the queue at once and its receipt is the sink's; one that runs
 * is told to stop, and its worker signs what it saw until then. The wish itself is durable, so that whoever takes or
 * misses the drill later honours it.
 * @returns `storing` and `quarantined` of one that has ended ({@link OpenDrill}); `absent` where nothing is known of it: it
 *   is over, or was never asked for. @throws `redis_unavailable`.
 */
export async function cancelDrill(
  { drills, states, receipts, quarantined }: CancelPorts,
  drillId: string,
  by: string,
): Promise<'cancelled' | 'stopping' | NotCancelled> {
  const over = async () => {
    if (await receipts.holds(drillId)) return 'storing';
    return (await quarantined.find(drillId)) === undefined ? 'absent' : 'quarantined';
  };
  const queued = await drills.find(drillId);
  if (queued === undefined) return await over();
  await states.requestCancel(drillId, by);
  const removed = await drills.remove(drillId);
  if (removed === 'running') return 'stopping';
  if (removed === 'absent') return await over();
  const attempts = await states.attempts(drillId);
  await receipts.publish({
    type: 'unfinished',
    plan: queued.plan,
    reason: 'cancelled',
    attempts: [...attempts],
  });
  return 'cancelled';
}

/** For people. */
export function whyNotCancelled(drillId: string, outcome: NotCancelled): string {
  if (outcome === 'absent') return `No drill ${drillId} is under way: it is over, or there never was one.`;
  const receipt = outcome === 'storing' ? 'waits for the sink' : 'is in quarantine';
  return `The drill ${drillId} has ended, and its receipt ${receipt}.`;
}
