import type { RestorePhase, RestorePredicate } from '@muster/core';
import type { RestorePorts } from './restore-ports.js';

/** A phase that is behind a restore, as its record tells of it. */
export type Phase = RestorePredicate['phases'][number];

/** Does what belongs to one phase, and notes it in `phases`. */
export async function timed<T>(
  { now, observe }: Pick<RestorePorts, 'now' | 'observe'>,
  phases: Phase[],
  name: RestorePhase,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = now();
  observe({ type: 'phase', phase: name });
  try {
    return await work();
  } finally {
    phases.push({
      name,
      started_at: startedAt.toISOString(),
      duration_ms: Math.max(0, Math.round(now().getTime() - startedAt.getTime())),
    });
  }
}
