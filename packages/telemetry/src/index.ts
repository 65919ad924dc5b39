export { createLogger, LOG_LEVELS, type LoggerOptions, type LogLevel } from './create-logger.js';
export {
  type Interrupted,
  openAttempt,
  openCheck,
  openPhase,
  type TracedAttempt,
  tellLostAttempt,
} from './drill-attempt.js';
export { drillAttributes, messagingAttributes, traceRequest } from './drill-request.js';
export {
  type FleetMetricsOptions,
  type FleetSource,
  type FleetView,
  type FleetWorker,
  inTime,
  MOST_SOURCES,
  OTHER_SOURCES,
  observeFleet,
  type PoolQueue,
} from './fleet-metrics.js';
export type { LogFields, Logger } from './logger.js';
export { METRICS } from './metric-names.js';
export { ATTRIBUTES, SPANS } from './names.js';
export { startTelemetry } from './start-telemetry.js';
export { openTakeSpans, type TakeSpans, type TracedTake, traceTakeRequest } from './take-spans.js';
export { tallyOf, tallyOfTake, tallyText } from './tally.js';
export type { Telemetry, TelemetryOptions } from './telemetry.js';
export { type Carrier, carrierOf, contextOf, traceIdOf } from './traceparent.js';
export {
  activeContext,
  activeTraceId,
  codeOf,
  failActive,
  inContext,
  type OpenSpan,
  openSpan,
  type SpanOptions,
  span,
} from './tracing.js';
export { type WorkMetrics, workMetrics } from './work-metrics.js';
