import { expect, it } from 'vitest';
import { exportInterval } from './export-interval.js';

it.each([
  ['500', 500],
  [undefined, 60_000],
  ['', 60_000],
  ['0', 60_000],
  ['-5', 60_000],
  ['1e99', 60_000],
  ['soon', 60_000],
])('metrics are exported at the interval %j of OTEL_METRIC_EXPORT_INTERVAL each %i ms', (asked, ms) => {
  expect(exportInterval(asked)).toBe(ms);
});
