import { metrics } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  MeterProvider,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { serviceResource } from './service-resource.js';
import { TALLIED_NAMES } from './tally.js';
import type { Telemetry, TelemetryOptions } from './telemetry.js';
import { temporalityOf } from './temporality.js';

/** A reader without a server of its own, and what it reads in the text format of Prometheus. */
export interface Scrape {
  readonly reader: MetricReader;
  text(): Promise<string>;
}

/** Nothing of it is left to flush: it is read whenever somebody asks. */
class PulledReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

const cumulative = (): AggregationTemporality => AggregationTemporality.CUMULATIVE;

export function createScrape(): Scrape {
  const reader = new PulledReader({ aggregationTemporalitySelector: temporalityOf(cumulative) });
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  return {
    reader,
    text: async () => serializer.serialize(exposed((await reader.collect()).resourceMetrics)),
  };
}

const UNITS: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/**
 * With the unit in the name, as Prometheus and its own OTLP receiver have it; the serializer leaves it out. Without what is
 * told by the sums of the whole fleet.
 */
function exposed(resourceMetrics: ResourceMetrics): ResourceMetrics {
  const scopeMetrics = resourceMetrics.scopeMetrics.map((scope) => ({
    ...scope,
    metrics: scope.metrics
      .filter(({ descriptor }) => !TALLIED_NAMES.has(descriptor.name))
      .map((metric) => {
        const { name, unit } = metric.descriptor;
        return {
          ...metric,
          descriptor: { ...metric.descriptor, name: name + (UNITS[unit] ?? ''), unit: '' },
        };
      }),
  }));
  return { ...resourceMetrics, scopeMetrics };
}

/** Metrics for /metrics alone: nothing is exported, and of the SDK just this part is loaded. */
export function startScrape(options: TelemetryOptions): Telemetry {
  const { reader, text } = createScrape();
  const provider = new MeterProvider({ resource: serviceResource(options), readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  return { metricsText: text, shutdown: () => provider.shutdown() };
}
