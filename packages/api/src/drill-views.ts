import { type Attempt, drillTime, tryDurationMs } from '@muster/core';
import type { IndexedDrill } from '@muster/index';
import { type OpenDrill as KnownDrill, openDrills as knownDrills } from '@muster/queue';
import { contextOf, traceIdOf } from '@muster/telemetry';
import type { ApiPorts } from './api-ports.js';
import { looking } from './limits.js';
import type { EndedDrill, OpenAttempt, OpenDrill } from './schemas.js';

/** A drill with a receipt. */
export function endedDrill({ statement, key, sha256, drillId, askedAt, issuedAt }: IndexedDrill): EndedDrill {
  const { source, result, reason, environment, backup, objectives, trace_id: traceId } = statement.predicate;
  const durationMs = tryDurationMs(statement.predicate);
  return {
    id: drillId,
    state: 'ended',
    source: source.slug,
    result,
    ...(reason && { reason }),
    ...(environment.substitute && { substitute: true as const }),
    asked_at: askedAt.toISOString(),
    issued_at: issuedAt.toISOString(),
    ...(durationMs !== undefined && { duration_ms: durationMs }),
    ...(backup && { backup: backup.id }),
    ...(objectives && { objectives }),
    ...(traceId && { trace_id: traceId }),
    receipt: { key, sha256 },
  };
}

/** More of what waits is for nobody to read. */
const MOST_OPEN = 200;

/** The 200 newest drills without a stored receipt, of one source or of all, newest first. @throws `redis_unavailable`, `index_unavailable`. */
export async function openDrills(ports: ApiPorts, source?: string): Promise<readonly OpenDrill[]> {
  const limit = looking();
  const known = await knownDrills(ports, { source, most: MOST_OPEN });
  const open = known.map(async (drill) => {
    // Where a second receipt of a drill went to quarantine, its first one stands.
    const isOver =
      drill.state === 'quarantined' && (await ports.index.get(drill.drillId, limit)) !== undefined;
    return isOver ? [] : [openDrill(drill)];
  });
  return (await Promise.all(open)).flat();
}

/** A drill without a stored receipt. */
export function openDrill({ drillId, state, source, ...known }: KnownDrill): OpenDrill {
  const { pool, trigger, worker, phase, waitsFor, why, traceparent } = known;
  const traceId = traceIdOf(contextOf({ traceparent }));
  return {
    id: drillId,
    state,
    source,
    ...(pool && { pool }),
    ...(trigger && { trigger }),
    asked_at: drillTime(drillId).toISOString(),
    ...(worker && { worker }),
    ...(phase && { phase }),
    ...(waitsFor && { waits_for: waitsFor }),
    ...(why && { why }),
    ...(traceId && { trace_id: traceId }),
  };
}

/** The tries of a drill without a stored receipt. Of the last one no end is known while it runs: it is not lost. */
export function triesSoFar(state: KnownDrill['state'], attempts: readonly Attempt[]): OpenAttempt[] {
  return attempts.map((attempt, index) => {
    const { outcome, ...running } = attempt;
    const isRunning = state === 'active' && outcome === 'lost' && index === attempts.length - 1;
    return isRunning ? running : attempt;
  });
}
