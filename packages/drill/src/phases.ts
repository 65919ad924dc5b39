import {
  type ErrorCode,
  isMusterError,
  type MusterError,
  type PhaseName,
  type PhaseRecord,
} from '@muster/core';
import { bounded } from './bounded.js';
import type { DrillEvent } from './drill-event.js';

export interface Phases {
  readonly records: readonly PhaseRecord[];
  /**
   * Runs one phase within its time limit (ms). The signal that `work` gets aborts when the drill is cancelled, when
   * the drill's own limit or the phase's is reached, and when `lost` resolves.
   * @throws what `work` threw; `cancelled` or `time_limit` where that is the cause; the loss where the scratch is lost.
   */
  run<T>(options: PhaseOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Runs what must be done on every path, a cancelled one included; `work` is bounded by itself and does not throw. */
  finish(name: PhaseName, work: () => Promise<void>): Promise<void>;
}

interface PhaseOptions {
  readonly name: PhaseName;
  readonly limitMs: number;
  /** Resolves when the ground under the phase is gone. */
  readonly lost?: Promise<MusterError>;
}

export interface PhasesContext {
  readonly now: () => Date;
  readonly observe: (event: DrillEvent) => void;
  /** Aborts when a person cancels the drill. */
  readonly cancel: AbortSignal;
  /** Aborts when the whole drill's time is over. */
  readonly deadline: AbortSignal;
}

/** Keeps the record of a drill's phases, and holds each to its time limit. */
export function createPhases(context: PhasesContext): Phases {
  const records: PhaseRecord[] = [];
  const begin = (name: PhaseName) => {
    const startedAt = context.now();
    context.observe({ type: 'phase-started', phase: name });
    return (outcome: PhaseRecord['outcome'], code?: ErrorCode) => {
      const duration = context.now().getTime() - startedAt.getTime();
      const record: PhaseRecord = {
        name,
        started_at: startedAt.toISOString(),
        duration_ms: Math.max(0, duration),
        outcome,
      };
      records.push(record);
      context.observe({ type: 'phase-ended', phase: record, ...(code && { code }) });
    };
  };
  return {
    records,
    async finish(name, work) {
      const end = begin(name);
      await work();
      end('done');
    },
    async run(options, work) {
      const end = begin(options.name);
      try {
        const { cancel, deadline } = context;
        const limitedBy = `limits.${options.name}`;
        const bounds = { ...options, limitedBy, cancel, deadline, of: 'drill' } as const;
        const result = await bounded(bounds, work);
        end('done');
        return result;
      } catch (error) {
        const code = isMusterError(error) ? error.code : 'internal';
        end(code === 'cancelled' ? 'cancelled' : 'failed', code);
        throw error;
      }
    },
  };
}
