import type { CheckRecord, PhaseRecord, Plan, Reason, Verdict } from '@muster/core';
import { type Counter, type Histogram, type MeterProvider, metrics } from '@opentelemetry/api';
import { METRICS, SECONDS_BUCKETS } from './metric-names.js';

type Kind = Plan['source']['kind'];

/** What a process counts of the work that it does. Does nothing where nobody collects it. */
export interface WorkMetrics {
  drillEnded(kind: Kind, result: Verdict, reason: Reason | undefined): void;
  phaseEnded(kind: Kind, phase: PhaseRecord): void;
  checkEnded(kind: Kind, check: CheckRecord): void;
}

let known: { readonly provider: MeterProvider; readonly instruments: Instruments } | undefined;

interface Instruments {
  readonly drills: Counter;
  readonly phases: Histogram;
  readonly checks: Histogram;
}

/** Made once a provider: an instrument that was made before there was one would count for nobody. */
function instruments(): Instruments {
  const provider = metrics.getMeterProvider();
  if (known?.provider === provider) return known.instruments;
  const meter = provider.getMeter('muster');
  const { drills, phaseDuration, checkDuration } = METRICS;
  const advice = { explicitBucketBoundaries: [...SECONDS_BUCKETS] };
  const made = {
    drills: meter.createCounter(drills.name, drills),
    phases: meter.createHistogram(phaseDuration.name, { ...phaseDuration, advice }),
    checks: meter.createHistogram(checkDuration.name, { ...checkDuration, advice }),
  };
  known = { provider, instruments: made };
  return made;
}

export const workMetrics: WorkMetrics = {
  drillEnded: (kind, result, reason) => {
    instruments().drills.add(1, { kind, result, reason: reason ?? 'none' });
  },
  phaseEnded: (kind, { name, outcome, duration_ms: durationMs }) => {
    instruments().phases.record(durationMs / 1000, { kind, phase: name, outcome });
  },
  checkEnded: (kind, { verdict, duration_ms: durationMs }) => {
    if (durationMs !== undefined) instruments().checks.record(durationMs / 1000, { kind, verdict });
  },
};
