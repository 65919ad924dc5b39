import { createHash } from 'node:crypto';
import {
  canonicalJson,
  createPlan,
  EXPECTED_TIME,
  isMusterError,
  newDrillId,
  type Plan,
  type RestorePoint,
  readRestorePoint,
  restoreTime,
  type Source,
} from '@muster/core';
import { getPlan } from '@muster/evidence';
import { drillsQueue, lackOfWorkers, requestDrill } from '@muster/queue';
import { type Carrier, contextOf, traceIdOf, traceRequest } from '@muster/telemetry';
import type { z } from 'zod';
import type { ApiPorts } from './api-ports.js';
import type { Principal } from './auth.js';
import { configInForce, requirePool, sourceOf } from './in-force.js';
import { looking } from './limits.js';
import { Refusal } from './problem.js';
import type { askSchema } from './schemas.js';

type Asked = z.infer<typeof askSchema>;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface Accepted {
  readonly id: string;
  /** Where it is traced. */
  readonly trace_id?: string;
  /** Nobody serves its pool. */
  readonly warning?: string;
}

/** Who asks, and what came along with the request. */
export interface Asking {
  readonly by: Principal;
  /** The Idempotency-Key. */
  readonly key: string | undefined;
  /** Of the trace that the drill becomes part of. */
  readonly carrier: Carrier;
}

/**
 * Asks for a drill by hand. With a key, the same request again is the same drill: also where the first one died between
 * its key and its queue, since to ask for a drill again changes nothing.
 * @returns its id, when its plan is stored and its job queued. @throws {@link Refusal}, `evidence_unwritable`, `redis_unavailable`.
 */
export function createAskDrill(ports: ApiPorts) {
  return async (asked: Asked, { by, key, carrier }: Asking): Promise<Accepted> => {
    const config = await configInForce(ports);
    const source = narrowed(sourceOf(config, asked.source, 400), asked.checks);
    const fresh = newDrillId(ports.now());
    const drillId =
      key === undefined
        ? fresh
        : await ports.idempotency.claim(sha256(`${by.name} ${key}`), sha256(canonicalJson(asked)), fresh);
    if (drillId === undefined) {
      throw new Refusal(422, 'key_reused', 'This Idempotency-Key came with another request before.');
    }
    const before = drillId === fresh ? undefined : await answeredBefore(ports, drillId);
    if (before !== undefined) return before;
    // Whoever asks again may do so under another configuration: the drill is the one that was planned.
    const planned = drillId === fresh ? undefined : await plannedBefore(ports, source.slug, drillId);
    if (planned === undefined && asked.pool !== undefined) await requirePool(ports, config, asked.pool);
    const plan =
      planned ??
      createPlan(config, source, {
        drillId,
        trigger: { kind: 'api', requested_by: by.name },
        restorePoint: restorePointOf(asked.restore_point, ports.now()),
        ...(asked.pool !== undefined && { pool: asked.pool }),
      });
    return await traceRequest(plan, drillsQueue(plan.pool), contextOf(carrier), async (sent) => {
      await requestDrill(ports, plan, sent, looking());
      // It is asked for, whatever else can be said of it.
      const workers = await ports.registry.list().catch(() => undefined);
      const warning = workers && lackOfWorkers(workers, plan.pool);
      return { ...accepted(drillId, traceIdOf(contextOf(sent))), ...(warning && { warning }) };
    });
  };
}

/** Where the first request died between its plan and its queue. */
async function plannedBefore({ store }: ApiPorts, slug: string, drillId: string): Promise<Plan | undefined> {
  try {
    return await getPlan(store, slug, drillId, looking());
  } catch (error) {
    if (isMusterError(error, 'evidence_not_found')) return undefined;
    throw error;
  }
}

/** What the first request was told, where its drill is known. */
async function answeredBefore(
  { drills, receipts, index }: ApiPorts,
  drillId: string,
): Promise<Accepted | undefined> {
  const queued = await drills.find(drillId);
  if (queued !== undefined) return accepted(drillId, traceIdOf(contextOf(queued)));
  if (await receipts.holds(drillId)) return { id: drillId };
  const ended = await index.get(drillId, looking());
  return ended && accepted(drillId, ended.statement.predicate.trace_id);
}

const accepted = (id: string, traceId: string | undefined): Accepted => ({
  id,
  ...(traceId && { trace_id: traceId }),
});

/** With those of its checks that are asked for, in its own order. */
function narrowed(source: Source, wanted: readonly string[] | undefined): Source {
  if (wanted === undefined) return source;
  const missing = wanted.filter((id) => !source.checks.some((check) => check.id === id));
  if (missing.length > 0) {
    const named = missing.slice(0, SHOWN).map((id) => JSON.stringify(id));
    const asked = source.checks.slice(0, SHOWN).map(({ id }) => id);
    throw new Refusal(
      400,
      'unknown_check',
      `The source "${source.slug}" has no check ${listed(named, missing.length)}: ${
        asked.length === 0 ? 'it asks none' : `there are ${listed(asked, source.checks.length)}`
      }.`,
    );
  }
  return { ...source, checks: source.checks.filter(({ id }) => wanted.includes(id)) };
}

const SHOWN = 20;

const listed = (shown: readonly string[], all: number): string =>
  `${shown.join(', ')}${all > shown.length ? ` and ${all - shown.length} more` : ''}`;

/** @throws {@link Refusal} of a time that is none, or still to come. */
function restorePointOf(asked: Asked['restore_point'], now: Date): RestorePoint {
  const point = readRestorePoint(asked ?? 'latest');
  if (point.kind !== 'time') return point;
  const time = restoreTime(point.time, now);
  const wrong = time === undefined ? EXPECTED_TIME : time > now ? 'it is still to come' : undefined;
  if (wrong === undefined) return point;
  throw new Refusal(400, 'invalid_request', `In the body: restore_point: time: ${wrong}.`);
}
