import type { PhaseName, Plan } from '@muster/core';
import type { DrillQueue, QueuedDrill } from './drill-queue.js';
import type { DrillStates, WaitReason } from './drill-states.js';
import { isServed } from './lack-of-workers.js';
import type { QuarantinedDrills } from './quarantined-drills.js';
import type { ReceiptQueue } from './receipt-queue.js';
import type { ServiceRegistry } from './service-registry.js';
import type { Heartbeat, WorkerRegistry } from './worker-registry.js';

/** A drill without a stored receipt, as the fleet knows it. */
export interface OpenDrill {
  readonly drillId: string;
  readonly source: string;
  /** Unknown of what a worker has ended. */
  readonly pool?: string;
  /** Who or what asked for it; unknown where the pool is. */
  readonly trigger?: Plan['trigger'];
  /**
   * As in its queue ({@link QueuedDrill}); `storing`: it has ended, and its receipt waits for the sink; `quarantined`: its
   * receipt is in quarantine, and none is stored.
   */
  readonly state: QueuedDrill['state'] | 'storing' | 'quarantined';
  readonly worker?: string;
  readonly phase?: PhaseName;
  /** What keeps it from starting, or its receipt from being stored, in words. */
  readonly waitsFor?: string;
  /** What is wrong with its receipt, where that is in quarantine. */
  readonly why?: string;
  /** W3C Trace Context; it may be anything. */
  readonly traceparent?: string | undefined;
}

export interface OpenDrillPorts {
  readonly drills: Pick<DrillQueue, 'find' | 'list'>;
  readonly states: Pick<DrillStates, 'waiting'>;
  readonly receipts: Pick<ReceiptQueue, 'find' | 'list'>;
  readonly quarantined: Pick<QuarantinedDrills, 'find' | 'list'>;
  readonly registry: Pick<WorkerRegistry, 'list'>;
  readonly services: Pick<ServiceRegistry, 'count'>;
}

/** Where not all are wanted: so many of each queue are looked through for those of one source. */
const LOOKED_THROUGH = 1_000;

/**
 * The drills without a stored receipt, of one source or of all, newest first. `most`: no more than so many of them, and of
 * one source those among the newest 1,000 of each queue: how much waits is then no matter. Whoever also lists receipts does so after:
 * a drill is then in one of the two at least. A quarantined one may have a stored receipt, too. @throws `redis_unavailable`.
 */
export async function openDrills(
  ports: OpenDrillPorts,
  { source, most }: { readonly source?: string | undefined; readonly most?: number } = {},
): Promise<readonly OpenDrill[]> {
  const looked = most !== undefined && source !== undefined ? LOOKED_THROUGH : most;
  const [queued, workers] = await Promise.all([ports.drills.list(looked), ports.registry.list()]);
  // What leaves its queue meanwhile is found here.
  const [pending, quarantined] = await Promise.all([ports.receipts.list(), ports.quarantined.list()]);
  const known = new Map<string, QueuedDrill | OpenDrill>();
  for (const drill of quarantined) known.set(drill.drillId, { ...drill, state: 'quarantined' });
  for (const drill of queued) known.set(drill.plan.drill_id, drill);
  // Whatever its queue says: its worker may have died just after it had spoken.
  const isKept = pending.length === 0 || (await ports.services.count()).sink > 0;
  for (const drill of pending) known.set(drill.drillId, storing(drill, isKept));
  const wanted = [...known]
    .filter(([, drill]) => source === undefined || sourceOf(drill) === source)
    .toSorted(([a], [b]) => (a < b ? 1 : -1))
    .slice(0, most);
  return await Promise.all(
    wanted.map(([, drill]) => ('plan' in drill ? describe(ports.states, drill, workers) : drill)),
  );
}

/** One of them. @throws `redis_unavailable`. */
export async function openDrill(ports: OpenDrillPorts, drillId: string): Promise<OpenDrill | undefined> {
  const queued = await ports.drills.find(drillId);
  const pending = await ports.receipts.find(drillId);
  if (pending !== undefined) return storing(pending, (await ports.services.count()).sink > 0);
  if (queued !== undefined) return await describe(ports.states, queued, await ports.registry.list());
  const quarantined = await ports.quarantined.find(drillId);
  return quarantined && { ...quarantined, state: 'quarantined' };
}

const sourceOf = (drill: QueuedDrill | OpenDrill): string =>
  'plan' in drill ? drill.plan.source.slug : drill.source;

function storing(
  { trouble, ...pending }: Omit<OpenDrill, 'state'> & { readonly trouble?: string },
  isKept: boolean,
): OpenDrill {
  const met = trouble === undefined ? 'the sink' : `the sink, which could not keep its receipt: ${trouble}`;
  return { ...pending, state: 'storing', waitsFor: isKept ? met : 'the sink (no sink runs)' };
}

async function describe(
  states: OpenDrillPorts['states'],
  { plan, state, isHeld, traceparent }: QueuedDrill,
  workers: readonly Heartbeat[],
): Promise<OpenDrill> {
  const drillId = plan.drill_id;
  const waiting = await states.waiting(drillId);
  const worker = workers.find((one) => one.drills.some((drill) => drill.drill_id === drillId));
  const phase = worker?.drills.find((drill) => drill.drill_id === drillId)?.phase;
  const nobody = state === 'waiting' && !isServed(workers, plan.pool);
  const why = nobody
    ? `a worker of the pool ${plan.pool} (none serves it now)`
    : waiting && inWords(waiting.why);
  const waits = isHeld ? `the queue of the pool ${plan.pool} (it is paused)` : why;
  return {
    drillId,
    source: plan.source.slug,
    pool: plan.pool,
    trigger: plan.trigger,
    state,
    ...(worker && { worker: worker.worker }),
    ...(phase && { phase }),
    ...(waits && { waitsFor: waits }),
    ...(traceparent && { traceparent }),
  };
}

function inWords(why: WaitReason): string {
  if (why.type === 'room') return `room: ${why.short} on ${why.host}`;
  if (why.type === 'key') return `a key to sign with on ${why.host}`;
  return why.type === 'isolation' ? `isolation on ${why.host}` : why.type;
}
