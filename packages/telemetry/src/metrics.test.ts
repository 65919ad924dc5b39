import { MusterError } from '@muster/core';
import { metrics } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetView, type FleetWorker, MOST_SOURCES, observeFleet } from './fleet-metrics.js';
import { METRICS } from './metric-names.js';
import { startTelemetry } from './start-telemetry.js';
import type { Telemetry } from './telemetry.js';

const NOW = new Date('2026-11-20T03:00:00.000Z');
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
const silent = { info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

const [D1, D2] = [{ drill_id: 'drl_1' }, { drill_id: 'drl_2' }];
const VIEW: FleetView = {
  up: { redis: async () => {}, index: async () => {}, store: async () => {} },
  pools: async () => ['eu', 'empty', 'eu'],
  queues: async () => [
    { pool: 'eu', depth: { waiting: 3, delayed: 1, active: 2, abandoned: 0 }, oldestWaiting: ago(90) },
    { pool: 'default', depth: { waiting: 0, delayed: 0, active: 0, abandoned: 0 } },
  ],
  workers: async () => [
    { host: 'a', pool: 'eu', state: 'ready', concurrency: 2, capacity: { memory_bytes: 8 }, drills: [D1] },
    { host: 'a', pool: 'eu', state: 'draining', concurrency: 2, capacity: { memory_bytes: 8 }, drills: [D2] },
    { host: 'b', pool: 'eu', state: 'ready', concurrency: 1, drills: [] },
  ],
  services: async () => ({ producer: 1, sink: 0 }),
  receipts: async () => ({ waiting: 2, oldest: ago(700) }),
  sources: async () => [{ slug: 'shop', lastPass: ago(3600), rpoMs: 93_600_000 }, { slug: 'new' }],
  quarantined: async () => 4,
};

describe('metrics in the text of Prometheus', () => {
  let telemetry: Telemetry;
  const linesOf = async (name: string): Promise<readonly string[]> =>
    (await telemetry.metricsText())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const observing = async (view: Partial<FleetView>, read: () => Promise<void>) => {
    const faults: unknown[] = [];
    const observed = observeFleet(
      { ...VIEW, ...view },
      { now: () => NOW, onError: (_what, fault) => faults.push(fault) },
    );
    await read();
    observed.close();
    return faults;
  };

  beforeAll(async () => {
    telemetry = await startTelemetry({
      service: 'api',
      version: '0',
      env: {},
      scraped: true,
      logger: silent,
    });
  });
  afterAll(async () => {
    await telemetry.shutdown();
    metrics.disable();
  });

  it('describe the fleet while it is observed; a host with two workers has its memory once', async () => {
    const faults = await observing({}, async () => {
      expect(await linesOf('muster_queue_depth')).toContain(
        'muster_queue_depth{pool="eu",state="waiting"} 3',
      );
      expect(await linesOf('muster_queue_oldest_seconds')).toEqual([
        'muster_queue_oldest_seconds{pool="eu"} 90',
        'muster_queue_oldest_seconds{pool="default"} 0',
      ]);
      expect(await linesOf('muster_source_last_pass_age_seconds')).toEqual([
        'muster_source_last_pass_age_seconds{source="shop"} 3600',
      ]);
      expect(await linesOf('muster_source_rpo_objective_seconds')).toEqual([
        'muster_source_rpo_objective_seconds{source="shop"} 93600',
      ]);
      expect(await linesOf('muster_sources_unproven')).toEqual(['muster_sources_unproven 1']);
      expect(await linesOf('muster_worker_concurrency')).toContain('muster_worker_concurrency{pool="eu"} 4');
      expect(await linesOf('muster_worker_busy')).toContain('muster_worker_busy{pool="eu"} 2');
      expect(await linesOf('muster_worker_memory_bytes')).toContain(
        'muster_worker_memory_bytes{pool="eu"} 8',
      );
      expect(await linesOf('muster_receipts_quarantined')).toEqual(['muster_receipts_quarantined 4']);
    });
    expect(faults).toEqual([]);
    expect(await linesOf('muster_queue_depth')).toEqual([]);
  });

  it('have a zero of a pool in force without workers, and of nothing that is well', async () => {
    await observing({}, async () => {
      expect(await linesOf('muster_workers')).toEqual([
        'muster_workers{pool="eu",state="ready"} 2',
        'muster_workers{pool="eu",state="draining"} 1',
        'muster_workers{pool="empty",state="ready"} 0',
      ]);
      expect(await linesOf('muster_up')).toEqual([
        'muster_up{dependency="redis"} 1',
        'muster_up{dependency="index"} 1',
        'muster_up{dependency="store"} 1',
      ]);
    });
  });

  it('have a zero of a service of which none lives, and the age of the oldest receipt that waits', async () => {
    await observing({}, async () => {
      expect(await linesOf('muster_services')).toEqual([
        'muster_services{service="producer"} 1',
        'muster_services{service="sink"} 0',
      ]);
      expect(await linesOf('muster_receipts_waiting')).toEqual(['muster_receipts_waiting 2']);
      expect(await linesOf('muster_receipts_oldest_seconds')).toEqual(['muster_receipts_oldest_seconds 700']);
    });
    await observing({ receipts: async () => ({ waiting: 0 }) }, async () => {
      expect(await linesOf('muster_receipts_oldest_seconds')).toEqual(['muster_receipts_oldest_seconds 0']);
    });
  });

  it('say of Redis that it is away, and are there within about 2 s, where it never answers', async () => {
    const never = () => new Promise<never>(() => {});
    const silentRedis = { queues: never, workers: never, pools: never, up: { ...VIEW.up, redis: never } };
    const began = performance.now();
    const faults = await observing(silentRedis, async () => {
      const lines = (await telemetry.metricsText()).split('\n');
      expect(performance.now() - began).toBeLessThan(4_000);
      expect(lines).toEqual(
        expect.arrayContaining([
          'muster_up{dependency="redis"} 0',
          'muster_up{dependency="index"} 1',
          'muster_receipts_quarantined 4',
        ]),
      );
      expect(lines.join()).not.toMatch(/muster_workers|muster_queue_depth/);
    });
    expect(faults).toMatchObject([{ name: 'TimeoutError' }, { name: 'TimeoutError' }]);
  });

  it('tell of no more drills that run than may, while workers drain or have stalled', async () => {
    const worker = { host: 'a', pool: 'eu', state: 'ready', concurrency: 1, drills: [] } as const;
    const pairs = async (workers: readonly FleetWorker[]) => {
      let read: readonly string[] = [];
      await observing({ workers: async () => workers, pools: async () => [] }, async () => {
        read = [...(await linesOf('muster_worker_busy')), ...(await linesOf('muster_worker_concurrency'))];
      });
      return read.map((line) => Number(line.split(' ').at(-1)));
    };
    const draining = { ...worker, state: 'draining' } as const;
    expect(await pairs([{ ...draining, drills: [D1] }])).toEqual([1, 1]);
    expect(await pairs([draining, worker])).toEqual([0, 1]);
    // It hangs, and another has its drill by now.
    expect(
      await pairs([
        { ...worker, drills: [D1] },
        { ...worker, drills: [D1] },
      ]),
    ).toEqual([1, 2]);
  });

  it('tell the rest of the fleet where one part of it cannot be asked', async () => {
    const down = new MusterError('index_unavailable', 'down');
    const faults = await observing({ sources: () => Promise.reject(down) }, async () => {
      expect(await linesOf('muster_source_last_pass_age_seconds')).toEqual([]);
      expect(await linesOf('muster_receipts_quarantined')).toHaveLength(1);
    });
    // Once each time that it is read.
    expect(faults).toEqual([down, down]);
  });

  it('have a value each for so many sources, and one, the oldest, for all others', async () => {
    const passes = Array.from({ length: MOST_SOURCES + 2 }, (_, index) => ({
      slug: `s-${String(index).padStart(5, '0')}`,
      lastPass: ago(index),
    }));
    await observing({ sources: async () => passes }, async () => {
      const lines = await linesOf('muster_source_last_pass_age_seconds');
      expect(lines).toHaveLength(MOST_SOURCES + 1);
      expect(lines.at(-1)).toBe(`muster_source_last_pass_age_seconds{source="_other"} ${MOST_SOURCES + 1}`);
    });
  });
});

describe('telemetry that nobody asked for', () => {
  it('is not started: there is nothing to read', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' };
    for (const off of [{}, env]) {
      const telemetry = await startTelemetry({ service: 'cli', version: '0', env: off, logger: silent });
      expect(await telemetry.metricsText()).toBe('');
      await telemetry.shutdown();
    }
  });
});

it('every metric has a name of its own', () => {
  const names = Object.values(METRICS).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
