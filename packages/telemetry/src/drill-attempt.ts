import type { Attempt, Plan } from '@muster/core';
import { drillAttributes, messagingAttributes } from './drill-request.js';
import { ATTRIBUTES, SPANS } from './names.js';
import { attemptSpanId } from './span-id.js';
import { type Carrier, contextOf } from './traceparent.js';
import { type OpenSpan, openSpan } from './tracing.js';

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

/**
 * Where the last of these tries is `lost`, tells its span, from its beginning until now: its worker died, and cannot. What
 * that worker had told of its phases lies below it.
 */
export function tellLostAttempt(
  drill: Omit<TracedAttempt, 'attempt' | 'number'>,
  attempts: readonly Attempt[],
  now: Date,
): void {
  const last = attempts.at(-1);
  if (last?.outcome !== 'lost') return;
  const lost = openAttempt({ ...drill, attempt: last, number: attempts.length });
  lost.set({ [ATTRIBUTES.outcome]: 'lost' });
  lost.fail('worker_lost');
  lost.end(now);
}
