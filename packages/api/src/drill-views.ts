import { drillTime } from '@muster/core';
import type { IndexedDrill } from '@muster/index';
import type { Heartbeat, QueuedDrill, WaitReason } from '@muster/queue';
import { contextOf, traceIdOf } from '@muster/telemetry';
import type { ApiPorts } from './api-ports.js';
import type { EndedDrill, OpenDrill } from './schemas.js';

/** A drill with a receipt. */
export function endedDrill({ statement, key, sha256, drillId, askedAt, issuedAt }: IndexedDrill): EndedDrill {
  const { source, result, reason, backup, trace_id: traceId } = statement.predicate;
  return {
    id: drillId,
    state: 'ended',
    source: source.slug,
    result,
    ...(reason && { reason }),
    asked_at: askedAt.toISOString(),
    issued_at: issuedAt.toISOString(),
    ...(backup && { backup: backup.id }),
    ...(traceId && { trace_id: traceId }),
    receipt: { key, sha256 },
  };
}

/** More of what waits is for nobody to read. */
const MOST_OPEN = 200;

/** The 200 newest drills under way, of one source or of all, newest first. @throws `redis_unavailable`. */
export async function openDrills(
  { drills, states, registry }: Pick<ApiPorts, 'drills' | 'states' | 'registry'>,
  slug?: string,
): Promise<readonly OpenDrill[]> {
  const [queued, workers] = await Promise.all([drills.list(), registry.list()]);
  const wanted = queued
    .filter(({ plan }) => slug === undefined || plan.source.slug === slug)
    .toSorted((a, b) => (a.plan.drill_id < b.plan.drill_id ? 1 : -1))
    .slice(0, MOST_OPEN);
  return await Promise.all(wanted.map((drill) => openDrill(states, drill, workers)));
}

export async function openDrill(
  states: ApiPorts['states'],
  { plan, state, traceparent }: QueuedDrill,
  workers: readonly Heartbeat[],
): Promise<OpenDrill> {
  const id = plan.drill_id;
  const traceId = traceIdOf(contextOf({ traceparent }));
  const waiting = await states.waiting(id);
  const worker = workers.find((one) => one.drills.some((drill) => drill.drill_id === id));
  const phase = worker?.drills.find((drill) => drill.drill_id === id)?.phase;
  const nobody = state === 'waiting' && !workers.some(({ pool }) => pool === plan.pool);
  const waits = nobody ? `a worker of the pool ${plan.pool}` : waiting && waitsFor(waiting.why);
  return {
    id,
    state,
    source: plan.source.slug,
    pool: plan.pool,
    asked_at: drillTime(id).toISOString(),
    ...(worker && { worker: worker.worker }),
    ...(phase && { phase }),
    ...(waits && { waits_for: waits }),
    ...(traceId && { trace_id: traceId }),
  };
}

function waitsFor(why: WaitReason): string {
  if (why.type === 'room') return `room: ${why.short} on ${why.host}`;
  return why.type === 'isolation' ? `isolation on ${why.host}` : why.type;
}
