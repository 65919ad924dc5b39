import type { Attempt, PhaseName, Plan } from '@muster/core';
import type { Attributes, TimeInput } from '@opentelemetry/api';
import { drillAttributes, messagingAttributes } from './drill-request.js';
import { ATTRIBUTES, checkSpan, SPANS } from './names.js';
import { attemptSpanId, phaseSpanId } from './span-id.js';
import { type Carrier, contextOf } from './traceparent.js';
import { type OpenSpan, openSpan, spanIdOf } from './tracing.js';

/** One of the tries of a drill that came out of a queue. */
export interface TracedAttempt {
  readonly plan: Plan;
  readonly queue: string;
  /** Of the job: all tries are below the request for the drill, beside each other. */
  readonly carrier: Carrier;
  readonly attempt: Pick<Attempt, 'worker' | 'started_at'>;
  /** Its place among the attempts of the receipt, from 1 on. */
  readonly number: number;
}

/** The span of a try, whose end is its worker's duty, unless another has the drill by then. */
export function openAttempt({ plan, queue, carrier, attempt, number }: TracedAttempt): OpenSpan {
  return openSpan(SPANS.attempt, {
    kind: 'consumer',
    parent: contextOf(carrier),
    spanId: attemptSpanId(plan.drill_id, attempt),
    startTime: new Date(attempt.started_at),
    attributes: {
      ...drillAttributes(plan),
      ...messagingAttributes(queue, 'process', plan.drill_id),
      [ATTRIBUTES.attempt]: number,
      [ATTRIBUTES.worker]: attempt.worker,
    },
  });
}

/** A phase of a try. Whoever takes the drill over can tell of it, where its worker died: see {@link tellLostAttempt}. */
export function openPhase(
  attempt: OpenSpan,
  phase: PhaseName,
  attributes: Attributes,
  startTime?: TimeInput,
): OpenSpan {
  return openSpan(phase, {
    parent: attempt.context,
    spanId: phaseSpanId(spanIdOf(attempt), phase),
    attributes: { ...attributes, [ATTRIBUTES.phase]: phase },
    ...(startTime !== undefined && { startTime }),
  });
}

export function openCheck(
  phase: OpenSpan,
  checkId: string,
  attributes: Attributes,
  startTime?: TimeInput,
): OpenSpan {
  return openSpan(checkSpan(checkId), {
    parent: phase.context,
    kind: 'client',
    attributes: { ...attributes, [ATTRIBUTES.check]: checkId },
    ...(startTime !== undefined && { startTime }),
  });
}

/** What had begun when a worker died, as it was told to the fleet. */
export interface Interrupted {
  readonly phase?: { readonly name: PhaseName; readonly since: Date } | undefined;
  readonly check?: { readonly id: string; readonly since: Date } | undefined;
}

/**
 * Where the last of these tries is `lost`, tells its span, from its beginning until now, and those of what it was at: its
 * worker died, and cannot. What that worker had told itself lies below them.
 */
export async function tellLostAttempt(
  drill: Omit<TracedAttempt, 'attempt' | 'number'>,
  attempts: readonly Attempt[],
  now: Date,
  interruptedAt: () => Promise<Interrupted>,
): Promise<void> {
  const last = attempts.at(-1);
  if (last?.outcome !== 'lost') return;
  const lost = openAttempt({ ...drill, attempt: last, number: attempts.length });
  if (lost.isRecording()) {
    const attributes = drillAttributes(drill.plan);
    const { phase, check } = await interruptedAt();
    const inPhase = phase && openPhase(lost, phase.name, attributes, phase.since);
    const inCheck = inPhase && check && openCheck(inPhase, check.id, attributes, check.since);
    for (const open of [inCheck, inPhase]) {
      open?.fail('worker_lost');
      open?.end(now);
    }
  }
  lost.set({ [ATTRIBUTES.outcome]: 'lost' });
  lost.fail('worker_lost');
  lost.end(now);
}
