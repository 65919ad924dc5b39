import type { Plan } from '@muster/core';
import {
  ATTRIBUTES,
  drillAttributes,
  type OpenSpan,
  openCheck,
  openPhase,
  openSpan,
  SPANS,
  type WorkMetrics,
} from '@muster/telemetry';
import type { DrillEvent } from './drill-event.js';

export interface DrillSpans {
  observe(event: DrillEvent): void;
  /** The receipt is signed, or there will be none. */
  close(): void;
}

/**
 * The spans of one try below `attempt`, out of what the drill tells: its phases, in them the checks, and the signing; each
 * ends, and is exported, as soon as that ended. Counts how long they took as well.
 */
export function createDrillSpans(plan: Plan, attempt: OpenSpan, metrics: WorkMetrics): DrillSpans {
  const { kind } = plan.source;
  const attributes = drillAttributes(plan);
  let phase: OpenSpan | undefined;
  let check: OpenSpan | undefined;
  let sign: OpenSpan | undefined;
  const close = (): void => {
    for (const open of [check, phase, sign]) open?.end();
    check = phase = sign = undefined;
  };
  return {
    close,
    observe: (event) => {
      switch (event.type) {
        case 'phase-started':
          phase = openPhase(attempt, event.phase, attributes);
          break;
        case 'check-started':
          check = openCheck(phase ?? attempt, event.id, attributes);
          break;
        case 'check-ended': {
          const { verdict, reason } = event.check;
          check?.set({ [ATTRIBUTES.verdict]: verdict, ...(reason && { [ATTRIBUTES.reason]: reason }) });
          if (verdict !== 'pass') check?.fail(reason ?? verdict);
          check?.end();
          check = undefined;
          metrics.checkEnded(kind, event.check);
          break;
        }
        case 'phase-ended':
          // A check that the end of its phase cut short was not told.
          check?.fail(event.code ?? event.phase.outcome);
          check?.end();
          check = undefined;
          if (event.phase.outcome !== 'done') phase?.fail(event.code ?? event.phase.outcome);
          phase?.end();
          phase = undefined;
          metrics.phaseEnded(kind, event.phase);
          break;
        case 'judged':
          attempt.set({
            [ATTRIBUTES.outcome]: event.result,
            ...(event.reason && { [ATTRIBUTES.reason]: event.reason }),
          });
          if (event.result !== 'pass') attempt.fail(event.reason ?? event.result);
          sign = openSpan(SPANS.sign, { parent: attempt.context, attributes });
          break;
        case 'planned':
        case 'located':
        case 'launched':
        case 'progress':
          break;
      }
    },
  };
}
