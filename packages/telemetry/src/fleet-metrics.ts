import { orAborted, TAKE_FINDINGS, type TakeFinding } from '@muster/core';
import { type Attributes, metrics, type ObservableGauge } from '@opentelemetry/api';
import { METRICS } from './metric-names.js';

/**
 * The fleet, as a process sees it that can ask Redis, the index and the evidence store. Each may throw, or take its time: its
 * metrics are then absent.
 */
export interface FleetView {
  /** What the fleet stands on: each throws where it does not answer. */
  readonly up: Readonly<Record<'redis' | 'index' | 'store', (signal: AbortSignal) => Promise<unknown>>>;
  queues(): Promise<readonly PoolQueue[]>;
  workers(): Promise<readonly FleetWorker[]>;
  /** How many live of each other service that a fleet cannot do without. */
  services(): Promise<Readonly<Record<'producer' | 'sink', number>>>;
  /** Receipts that sinks have not finished with, and since when the oldest of them is there. */
  receipts(): Promise<{ readonly waiting: number; readonly oldest?: Date | undefined }>;
  /** The pools of the sources in force: each has metrics also where no worker of it lives. */
  pools(): Promise<readonly string[]>;
  /** The sources in force. */
  sources(): Promise<readonly FleetSource[]>;
  /** How many receipts in quarantine nobody acknowledged. */
  quarantined(): Promise<number>;
}

export interface FleetSource {
  readonly slug: string;
  /** When the newest drill was asked for that counts as a pass of it; absent where none does. */
  readonly lastPass?: Date | undefined;
  /** Its objective, where it has one. */
  readonly rpoMs?: number | undefined;
  /** When Muster took the newest backup that it took of it. */
  readonly lastTake?: Date | undefined;
  /** What is wrong with how its backups are taken; absent where Muster takes none. */
  readonly takeFindings?: readonly TakeFinding['code'][] | undefined;
}

export interface PoolQueue {
  readonly pool: string;
  /** Drills by state. */
  readonly depth: Readonly<Record<'waiting' | 'delayed' | 'active' | 'abandoned', number>>;
  readonly oldestWaiting?: Date | undefined;
}

export interface FleetWorker {
  readonly host: string;
  readonly pool: string;
  readonly state: 'ready' | 'draining';
  readonly concurrency: number;
  readonly capacity?: { readonly memory_bytes: number } | undefined;
  readonly drills: readonly { readonly drill_id: string }[];
}

export interface FleetMetricsOptions {
  readonly now: () => Date;
  /** Told what could not be asked (`queues`, `sources`…), at each look, and why. */
  readonly onError: (what: string, error: unknown) => void;
}

/** Sources with a value of their own; all others share one. */
export const MOST_SOURCES = 1_000;
/** No slug: nobody's source is called that. */
export const OTHER_SOURCES = '_other';
/** Whoever scrapes is to have what is known before it gives up. */
const LOOKING_MS = 2_000;

type Name =
  | 'up'
  | 'queueDepth'
  | 'oldestWaiting'
  | 'lastPassAge'
  | 'rpoObjective'
  | 'unproven'
  | 'lastTakeAge'
  | 'takeFindings'
  | 'workers'
  | 'workerConcurrency'
  | 'workerBusy'
  | 'workerMemory'
  | 'services'
  | 'receiptsWaiting'
  | 'oldestReceipt'
  | 'quarantined';
type Reading = readonly [metric: Name, value: number, attributes?: Attributes];

/** Looks at the fleet whenever its metrics are collected, until it is closed. */
export function observeFleet(view: FleetView, { now, onError }: FleetMetricsOptions): { close(): void } {
  const meter = metrics.getMeter('muster');
  const gauges = new Map<Name, ObservableGauge>();
  for (const name of NAMES) gauges.set(name, meter.createObservableGauge(METRICS[name].name, METRICS[name]));
  const observe: Parameters<typeof meter.addBatchObservableCallback>[0] = async (result) => {
    for (const [name, value, attributes] of await readFleet(view, now(), onError)) {
      const gauge = gauges.get(name);
      if (gauge !== undefined) result.observe(gauge, value, attributes);
    }
  };
  const observed = [...gauges.values()];
  meter.addBatchObservableCallback(observe, observed);
  return { close: () => meter.removeBatchObservableCallback(observe, observed) };
}

const NAMES: readonly Name[] = [
  'up',
  'queueDepth',
  'oldestWaiting',
  'lastPassAge',
  'rpoObjective',
  'unproven',
  'lastTakeAge',
  'takeFindings',
  'workers',
  'workerConcurrency',
  'workerBusy',
  'workerMemory',
  'services',
  'receiptsWaiting',
  'oldestReceipt',
  'quarantined',
];

async function readFleet(
  view: FleetView,
  now: Date,
  onError: FleetMetricsOptions['onError'],
): Promise<readonly Reading[]> {
  const limit = AbortSignal.timeout(LOOKING_MS);
  const reading = async <T>(what: string, ask: Promise<T>, tell: (answer: T) => readonly Reading[]) => {
    try {
      return tell(await inTime(ask, limit));
    } catch (error) {
      onError(what, error);
      return [];
    }
  };
  const up = async (dependency: keyof FleetView['up']): Promise<readonly Reading[]> => {
    const answers = inTime(view.up[dependency](limit), limit).then(
      () => 1,
      () => 0,
    );
    return [['up', await answers, { dependency }]];
  };
  const readings = await Promise.all([
    up('redis'),
    up('index'),
    up('store'),
    reading('queues', view.queues(), (queues) => queues.flatMap((queue) => queueReadings(queue, now))),
    reading('workers', Promise.all([view.workers(), view.pools()]), ([workers, pools]) =>
      workerReadings(workers, pools),
    ),
    reading('services', view.services(), (services) =>
      Object.entries(services).map(([service, count]): Reading => ['services', count, { service }]),
    ),
    reading('receipts', view.receipts(), ({ waiting, oldest }): readonly Reading[] => [
      ['receiptsWaiting', waiting],
      ['oldestReceipt', oldest === undefined ? 0 : ageOf(oldest, now)],
    ]),
    reading('sources', view.sources(), (sources) => sourceReadings(sources, now)),
    reading('quarantine', view.quarantined(), (count): readonly Reading[] => [['quarantined', count]]),
  ]);
  return readings.flat();
}

/** @throws `TimeoutError` where a scrape should not wait any longer. */
export const inTime = <T>(ask: Promise<T>, limit = AbortSignal.timeout(LOOKING_MS)): Promise<T> =>
  orAborted(ask, limit);

function queueReadings({ pool, depth, oldestWaiting }: PoolQueue, now: Date): readonly Reading[] {
  return [
    ...Object.entries(depth).map(([state, count]): Reading => ['queueDepth', count, { pool, state }]),
    ['oldestWaiting', oldestWaiting === undefined ? 0 : ageOf(oldestWaiting, now), { pool }],
  ];
}

/** A pool in force without workers has zeros: what is absent cannot be told from what is not known. */
function workerReadings(workers: readonly FleetWorker[], inForce: readonly string[]): readonly Reading[] {
  const pools = new Set([...inForce, ...workers.map(({ pool }) => pool)]);
  return [...pools].flatMap((pool): readonly Reading[] => {
    const members = workers.filter((worker) => worker.pool === pool);
    const ready = members.filter(({ state }) => state === 'ready');
    const draining = members.length - ready.length;
    // One that drains takes nothing new: it has room for just what it runs still.
    const places = members.map(({ state, concurrency, drills }) =>
      state === 'ready' ? concurrency : drills.length,
    );
    // A drill that was taken over is also with the worker that stalled, until that says no more or wakes up.
    const running = new Set(members.flatMap(({ drills }) => drills.map((drill) => drill.drill_id)));
    const hosts = new Map(members.map(({ host, capacity }) => [host, capacity?.memory_bytes ?? 0]));
    return [
      ['workers', ready.length, { pool, state: 'ready' }],
      // That none drains is as it should be: no zero for `muster_workers == 0` to find.
      ...(draining === 0 ? [] : [['workers', draining, { pool, state: 'draining' }] as const]),
      ['workerConcurrency', sum(places), { pool }],
      ['workerBusy', running.size, { pool }],
      ['workerMemory', sum([...hosts.values()]), { pool }],
    ];
  });
}

/**
 * The first sources by name have values of their own; of the others each metric has one, that which is the worst: what is
 * wrong with any of them shows.
 */
function sourceReadings(sources: readonly FleetSource[], now: Date): readonly Reading[] {
  const sorted = sources.toSorted((a, b) => (a.slug < b.slug ? -1 : 1));
  const each = (
    name: Name,
    read: (source: FleetSource) => number | undefined,
    worst: (a: number, b: number) => number,
  ): readonly Reading[] => {
    const values = sorted.map((source, index) => ({
      source: index < MOST_SOURCES ? source.slug : OTHER_SOURCES,
      value: read(source),
    }));
    const known = values.flatMap(({ source, value }) => (value === undefined ? [] : [{ source, value }]));
    const groups = Map.groupBy(known, ({ source }) => source);
    return [...groups].map(
      ([source, all]): Reading => [name, all.map(({ value }) => value).reduce(worst), { source }],
    );
  };
  return [
    ['unproven', sources.filter(({ lastPass }) => lastPass === undefined).length],
    ...TAKE_FINDINGS.map(
      (finding): Reading => [
        'takeFindings',
        sources.filter(({ takeFindings = [] }) => takeFindings.includes(finding)).length,
        { finding },
      ],
    ),
    ...each(
      'lastTakeAge',
      ({ lastTake }) => lastTake && ageOf(lastTake, now),
      (a, b) => Math.max(a, b),
    ),
    ...each(
      'lastPassAge',
      ({ lastPass }) => lastPass && ageOf(lastPass, now),
      (a, b) => Math.max(a, b),
    ),
    ...each(
      'rpoObjective',
      ({ rpoMs }) => (rpoMs === undefined ? undefined : rpoMs / 1000),
      (a, b) => Math.min(a, b),
    ),
  ];
}

const ageOf = (at: Date, now: Date): number => Math.max(0, now.getTime() - at.getTime()) / 1000;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
