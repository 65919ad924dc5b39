import { canonicalJson, MusterError, type Plan, planKey, planSchema } from '@muster/core';
import type { EvidenceStore } from './evidence-store.js';

/**
 * Writes down what a drill was asked to do, before it is queued or begun: nobody can later leave a drill out.
 * @returns `exists` where this drill has a plan already, which stands. @throws `evidence_unwritable`.
 */
export async function putPlan(
  store: EvidenceStore,
  plan: Plan,
  signal: AbortSignal,
): Promise<'stored' | 'exists'> {
  const bytes = new TextEncoder().encode(canonicalJson(plan));
  return await store.putOnce(planKey(plan.source.slug, plan.drill_id), bytes, signal);
}

/** The plan of a drill. @throws `evidence_not_found`, `evidence_malformed`, `evidence_unwritable`. */
export async function getPlan(
  store: EvidenceStore,
  slug: string,
  drillId: string,
  signal: AbortSignal,
): Promise<Plan> {
  const key = planKey(slug, drillId);
  return parsePlan(await store.get(key, signal), `${store.location}/${key}`);
}

/** @throws `evidence_malformed`, naming where it lies. */
export function parsePlan(bytes: Uint8Array, where: string): Plan {
  try {
    return planSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new MusterError('evidence_malformed', `${where} is not the plan of a drill.`, { cause });
  }
}
