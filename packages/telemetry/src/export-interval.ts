const DEFAULT_MS = 60_000;

/**
 * Ms between two exports of metrics, as OTEL_METRIC_EXPORT_INTERVAL asks. What no timer can wait for is as if nothing were
 * asked: a service must not fail to start for it.
 */
export function exportInterval(asked: string | undefined): number {
  const ms = Number(asked);
  return ms >= 1 && ms < 2 ** 31 ? ms : DEFAULT_MS;
}
