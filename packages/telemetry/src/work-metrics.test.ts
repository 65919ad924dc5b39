import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterAll, expect, it } from 'vitest';
import { METRICS } from './metric-names.js';
import { workMetrics } from './work-metrics.js';

class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

const reader = new Reader();
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
afterAll(() => metrics.disable());

it('a process counts the drills, phases and checks that it saw end, in seconds', async () => {
  workMetrics.drillEnded('postgres', 'fail', 'corrupt');
  workMetrics.phaseEnded('postgres', {
    name: 'restore',
    started_at: '',
    duration_ms: 1500,
    outcome: 'done',
  });
  const check = { id: 'a', check_sha256: '', expect_sha256: '' };
  workMetrics.checkEnded('postgres', { ...check, verdict: 'pass', duration_ms: 250 });
  workMetrics.checkEnded('postgres', { ...check, verdict: 'not_run' });
  const { resourceMetrics } = await reader.collect();
  const points = resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name: descriptor.name, attributes, value })),
    );
  expect(points).toMatchObject([
    {
      name: METRICS.drills.name,
      attributes: { kind: 'postgres', result: 'fail', reason: 'corrupt' },
      value: 1,
    },
    {
      name: METRICS.phaseDuration.name,
      attributes: { phase: 'restore', outcome: 'done' },
      value: { sum: 1.5 },
    },
    { name: METRICS.checkDuration.name, attributes: { verdict: 'pass' }, value: { sum: 0.25, count: 1 } },
  ]);
});
