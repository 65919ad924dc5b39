import type { Logger } from './logger.js';

export interface TelemetryOptions {
  /** `producer`, `worker`, `sink`, `api`, `up`, `cli`: `service.name` is `muster-<service>`, unless OTEL_SERVICE_NAME says another. */
  readonly service: string;
  readonly version: string;
  /** The process's own, of which the SDK reads the rest of OTEL_*. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True where /metrics is served: metrics are then collected also without an endpoint. Absent = false. */
  readonly scraped?: boolean;
  /** Told, once a minute at the most, that nothing could be exported. */
  readonly logger: Logger;
}

export interface Telemetry {
  /** What describes the fleet, in the text format of Prometheus, 0.0.4; empty unless it is `scraped`. */
  metricsText(): Promise<string>;
  /** Exports what is left, within 5 s. Never throws. */
  shutdown(): Promise<void>;
}
