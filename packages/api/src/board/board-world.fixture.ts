import { MusterError, newDrillId, type Plan } from '@muster/core';
import type { BoardQueue, BoardSessions } from '@muster/queue';
import type { LogFields, Logger } from '@muster/telemetry';
import type { ApiPorts } from '../api-ports.js';
import { makeToken } from '../listen.js';
import { tokens } from '../role-tokens.fixture.js';
import { buildServer } from '../server.js';

const HASH = `sha256:${'0'.repeat(64)}`;

export const plan: Plan = {
  drill_id: newDrillId(new Date('2026-11-20T12:00:00Z')),
  source: { slug: 'shop', kind: 'postgres' },
  trigger: { kind: 'cli' },
  pool: 'default',
  restore_point: { kind: 'latest' },
  checks: [{ id: 'c', check_sha256: HASH, expect_sha256: HASH }],
  config_sha256: HASH,
};

/** One job, as BullMQ hands it to Bull Board. */
interface FakeJob {
  readonly id: string;
  readonly data: unknown;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Queues and sessions in memory: what is done to a queue is written down. */
export function boardWorld() {
  const done: string[] = [];
  const log: [string, LogFields | undefined][] = [];
  const logger: Logger = {
    info: (message, fields) => void log.push([message, fields]),
    warn: (message, fields) => void log.push([message, fields]),
    error: (message, _error, fields) => void log.push([message, fields]),
    child: () => logger,
  };
  const kept = new Map<string, string>();
  const given = { redis: true, schedulers: [] as object[] };
  const queues: BoardQueue[] = [];
  const addQueue = (name: string, kind: BoardQueue['kind'], jobs: readonly FakeJob[] = []): void => {
    queues.push({ kind, ...fakeQueue(name, jobs, done, given) } as unknown as BoardQueue);
  };
  const orAway = async <T>(answer: () => T): Promise<T> => {
    if (!given.redis) throw new MusterError('redis_unavailable', 'Redis at 10.0.0.5 is away.');
    return answer();
  };
  const sessions: BoardSessions = {
    begin: (holder) =>
      orAway(() => {
        const id = makeToken().token.slice('mst_'.length);
        kept.set(id, holder);
        return id;
      }),
    holder: (id) => orAway(() => kept.get(id)),
    end: (id) => orAway(() => void kept.delete(id)),
  };
  const board: ApiPorts['board'] = { queues: { list: () => orAway(() => queues) }, sessions };
  const ports = { board, logger, now: () => new Date() } as unknown as ApiPorts;
  const serve = (known = tokens) => buildServer(ports, { tokens: () => known, version: '0' });
  return { done, log, kept, given, addQueue, ports, serve };
}

function fakeQueue(
  name: string,
  jobs: readonly FakeJob[],
  done: string[],
  given: { readonly schedulers: readonly object[] },
) {
  const note = (act: string) => async () => void done.push(`${name}: ${act}`);
  const fakes = jobs.map(({ id, data, more = {} }) => ({
    id,
    opts: {},
    toJSON: () => ({
      id,
      name: 'drill',
      data,
      timestamp: 1,
      attemptsMade: 1,
      opts: {},
      stacktrace: [],
      ...more,
    }),
    getState: async () => (name === 'broken' ? Promise.reject(new Error('PLANTED')) : 'failed'),
    promote: note(`promote ${id}`),
    retry: note(`retry ${id}`),
    remove: note(`remove ${id}`),
    updateData: note(`change ${id}`),
  }));
  const queue = {
    name,
    metaValues: { version: 'bullmq:6' },
    getBackend: () => undefined,
    getJobCounts: async () => ({ failed: fakes.length }),
    isPaused: async () => false,
    getGlobalConcurrency: async () => null,
    getRateLimitTtl: async () => 0,
    getJobSchedulersCount: async () => given.schedulers.length,
    getJobSchedulers: async () => given.schedulers,
    pause: note('pause'),
    resume: note('resume'),
    promoteJobs: note('promote all'),
    add: note('add'),
    drain: note('drain'),
    clean: note('clean'),
    obliterate: note('obliterate'),
    setGlobalConcurrency: note('concurrency'),
    setGlobalRateLimit: note('rate limit'),
    removeJobScheduler: note('remove scheduler'),
    upsertJobScheduler: note('change scheduler'),
  };
  return { queue, jobs: async () => fakes, job: async (id: string) => fakes.find((one) => one.id === id) };
}
