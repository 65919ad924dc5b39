import type { Telemetry, TelemetryOptions } from './telemetry.js';

const SHUTDOWN_MS = 5_000;

/**
 * Starts traces and metrics where an endpoint is named for them (OTEL_EXPORTER_OTLP_ENDPOINT, or that of the signal).
 * Where there is nothing to do, the SDK is not even loaded, and every span and count costs next to nothing.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { env, scraped = false } = options;
  const off = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true';
  const exported = (signal: string): boolean =>
    !off && Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]);
  const traces = exported('TRACES');
  const metrics = exported('METRICS');
  if (!traces && !metrics && !scraped) return NO_TELEMETRY;
  const started =
    traces || metrics
      ? await (await import('./sdk.js')).startSdk({ ...options, traces, metrics })
      : (await import('./scrape.js')).startScrape(options);
  return {
    metricsText: started.metricsText,
    shutdown: async () => {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, SHUTDOWN_MS);
      });
      await Promise.race([started.shutdown().catch(() => {}), limit]);
      clearTimeout(timer);
    },
  };
}

const NO_TELEMETRY: Telemetry = { metricsText: async () => '', shutdown: async () => {} };
