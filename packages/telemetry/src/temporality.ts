import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  InstrumentType,
} from '@opentelemetry/sdk-metrics';

/**
 * As `preferred`, but that an observed gauge is what was observed just now: by the SDK's cumulative way the last value of
 * a pool that is gone, or of what cannot be asked, would be told for ever.
 */
export function temporalityOf(preferred: AggregationTemporalitySelector): AggregationTemporalitySelector {
  return (type) =>
    type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : preferred(type);
}
