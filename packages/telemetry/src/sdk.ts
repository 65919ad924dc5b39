import { DiagLogLevel, diag } from '@opentelemetry/api';
import { envDetector, hostDetector, serviceInstanceIdDetector } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { exportInterval } from './export-interval.js';
import type { Logger } from './logger.js';
import { createScrape } from './scrape.js';
import { serviceResource } from './service-resource.js';
import { idGenerator } from './span-id.js';
import type { Telemetry, TelemetryOptions } from './telemetry.js';
import { temporalityOf } from './temporality.js';

interface SdkOptions extends TelemetryOptions {
  readonly traces: boolean;
  readonly metrics: boolean;
}

/** Spans are exported so soon after their end: a worker that is killed takes few with it. */
const EXPORT_SPANS_MS = 200;

/** Exports by the SDK's own variables where they say something. Loaded only where something is exported. */
export async function startSdk(options: SdkOptions): Promise<Telemetry> {
  const { env, traces, metrics, scraped = false, logger } = options;
  if (!env['OTEL_LOG_LEVEL']) tellFaults(logger);
  // The SDK takes it from the environment alone.
  process.env['OTEL_BSP_SCHEDULE_DELAY'] ||= String(EXPORT_SPANS_MS);
  const scrape = scraped ? createScrape() : undefined;
  const sdk = new NodeSDK({
    resource: serviceResource(options),
    // Not the process: its arguments are nobody's business.
    resourceDetectors: [hostDetector, serviceInstanceIdDetector, envDetector],
    metricReaders: [
      ...(metrics ? [await otlpReader(env)] : []),
      ...(scrape === undefined ? [] : [scrape.reader]),
    ],
    ...(!traces && { spanProcessors: [] }),
    logRecordProcessors: [],
    idGenerator,
  });
  sdk.start();
  return { metricsText: async () => (await scrape?.text()) ?? '', shutdown: () => sdk.shutdown() };
}

async function otlpReader(env: TelemetryOptions['env']): Promise<PeriodicExportingMetricReader> {
  const protocol = env['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  const interval = exportInterval(env['OTEL_METRIC_EXPORT_INTERVAL']);
  return new PeriodicExportingMetricReader({
    exporter: await exporterFor(protocol),
    exportIntervalMillis: interval,
    exportTimeoutMillis: Math.min(interval, 30_000),
  });
}

async function exporterFor(protocol: string | undefined): Promise<PushMetricExporter> {
  const { OTLPMetricExporter } =
    protocol === 'grpc'
      ? await import('@opentelemetry/exporter-metrics-otlp-grpc')
      : protocol === 'http/json'
        ? await import('@opentelemetry/exporter-metrics-otlp-http')
        : await import('@opentelemetry/exporter-metrics-otlp-proto');
  const exporter: PushMetricExporter = new OTLPMetricExporter();
  const preferred = exporter.selectAggregationTemporality?.bind(exporter);
  exporter.selectAggregationTemporality = temporalityOf(
    preferred ?? (() => AggregationTemporality.CUMULATIVE),
  );
  return exporter;
}

const TELLING_MS = 60_000;

/** What the SDK says may name an endpoint with its credentials: just that something is wrong is told. */
function tellFaults(logger: Logger): void {
  let toldAt = Number.NEGATIVE_INFINITY;
  const ignore = (): void => {};
  const error = (): void => {
    const now = performance.now();
    if (now - toldAt < TELLING_MS) return;
    toldAt = now;
    logger.warn(
      'spans or metrics could not be exported: is OTEL_EXPORTER_OTLP_ENDPOINT right? OTEL_LOG_LEVEL=error tells more',
    );
  };
  diag.setLogger(
    { error, warn: ignore, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
}
