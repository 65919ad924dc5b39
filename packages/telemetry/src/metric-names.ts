import { PASS_RULE } from '@muster/core';

interface Definition {
  readonly name: string;
  readonly kind: 'counter' | 'histogram' | 'gauge';
  /** UCUM. */
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly string[];
}

/** Every metric of Muster, as docs/telemetry.md lists them. At /metrics `muster.phase.duration` is `muster_phase_duration_seconds`. */
export const METRICS = {
  drills: {
    name: 'muster.drills',
    kind: 'counter',
    unit: '{drill}',
    description: 'Drills that ended, each once: when its receipt is stored.',
    attributes: ['result', 'reason', 'kind'],
  },
  takes: {
    name: 'muster.takes',
    kind: 'counter',
    unit: '{take}',
    description: 'Takes that ended: taken, failed or skipped.',
    attributes: ['outcome', 'reason', 'kind'],
  },
  phaseDuration: {
    name: 'muster.phase.duration',
    kind: 'histogram',
    unit: 's',
    description: 'How long the phases of drills took.',
    attributes: ['phase', 'outcome', 'kind'],
  },
  checkDuration: {
    name: 'muster.check.duration',
    kind: 'histogram',
    unit: 's',
    description: 'How long checks took.',
    attributes: ['verdict', 'kind'],
  },
  up: {
    name: 'muster.up',
    kind: 'gauge',
    unit: '1',
    description: 'Whether what the fleet stands on (redis, index, store) answers this API: 1, or 0.',
    attributes: ['dependency'],
  },
  queueDepth: {
    name: 'muster.queue.depth',
    kind: 'gauge',
    unit: '{drill}',
    description: 'Drills in the queue of a pool.',
    attributes: ['pool', 'state'],
  },
  oldestWaiting: {
    name: 'muster.queue.oldest',
    kind: 'gauge',
    unit: 's',
    description:
      'For how long the oldest drill of a pool has waited for a worker, or for room, a key or its next try; 0 where none waits.',
    attributes: ['pool'],
  },
  lastPassAge: {
    name: 'muster.source.last_pass.age',
    kind: 'gauge',
    unit: 's',
    description: `How long ago the newest drill was asked for that counts as a pass of its source. ${PASS_RULE}`,
    attributes: ['source'],
  },
  rpoObjective: {
    name: 'muster.source.rpo_objective',
    kind: 'gauge',
    unit: 's',
    description: 'How old the newest backup of a source may be, as its configuration promises.',
    attributes: ['source'],
  },
  unproven: {
    name: 'muster.sources.unproven',
    kind: 'gauge',
    unit: '{source}',
    description: 'Sources in force of which no drill counts as a pass.',
    attributes: [],
  },
  lastTakeAge: {
    name: 'muster.source.last_take.age',
    kind: 'gauge',
    unit: 's',
    description: 'How long ago the newest backup was taken that Muster took of a source.',
    attributes: ['source'],
  },
  takeFindings: {
    name: 'muster.sources.take_findings',
    kind: 'gauge',
    unit: '{source}',
    description:
      'Sources in force that are always backing up, or have a schedule of takes that is never met.',
    attributes: ['finding'],
  },
  workers: {
    name: 'muster.workers',
    kind: 'gauge',
    unit: '{worker}',
    description: 'Workers that live; 0 ready ones where a pool in force has none.',
    attributes: ['pool', 'state'],
  },
  workerConcurrency: {
    name: 'muster.worker.concurrency',
    kind: 'gauge',
    unit: '{drill}',
    description:
      'Drills that the workers of a pool may run at the same time; one that drains, those that it runs still.',
    attributes: ['pool'],
  },
  workerBusy: {
    name: 'muster.worker.busy',
    kind: 'gauge',
    unit: '{drill}',
    description:
      'Drills that the workers of a pool run now, each once: never more than muster.worker.concurrency.',
    attributes: ['pool'],
  },
  workerMemory: {
    name: 'muster.worker.memory',
    kind: 'gauge',
    unit: 'By',
    description:
      'Memory that the hosts of a pool have for scratches; a host counts once, however many workers it has.',
    attributes: ['pool'],
  },
  services: {
    name: 'muster.services',
    kind: 'gauge',
    unit: '{service}',
    description: 'Producers and sinks that live; 0 where none does.',
    attributes: ['service'],
  },
  receiptsWaiting: {
    name: 'muster.receipts.waiting',
    kind: 'gauge',
    unit: '{receipt}',
    description: 'Receipts that sinks have not finished with.',
    attributes: [],
  },
  oldestReceipt: {
    name: 'muster.receipts.oldest',
    kind: 'gauge',
    unit: 's',
    description: 'For how long the oldest receipt has waited to be kept; 0 where none waits.',
    attributes: [],
  },
  quarantined: {
    name: 'muster.receipts.quarantined',
    kind: 'gauge',
    unit: '{receipt}',
    description: 'What lies in quarantine in the evidence store, and nobody acknowledged.',
    attributes: [],
  },
} as const satisfies Readonly<Record<string, Definition>>;

/** Durations from a check of some ms to a restore of a day. */
export const SECONDS_BUCKETS = [
  0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400,
];
