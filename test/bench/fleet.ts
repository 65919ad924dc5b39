import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type Config,
  createPlan,
  newDrillId,
  type Plan,
  parseConfig,
  type Statement,
  sha256,
  unfinishedStatement,
} from '@muster/core';
import {
  createDirectoryStore,
  createSigner,
  type EvidenceStore,
  ensurePrivateKey,
  loadKeyring,
} from '@muster/evidence';
import { openEmbeddedIndex } from '@muster/index';
import { type ConfigFile, startProducer } from '@muster/producer';
import {
  consumeDrills,
  consumeReceipts,
  consumeTicks,
  createCatalogues,
  createConfigStore,
  createDrillEvents,
  createDrillQueue,
  createDrillStates,
  createLeases,
  createLooks,
  createNewestSeen,
  createPassedBackups,
  createQuarantinedDrills,
  createReceiptQueue,
  createReservations,
  createSchedules,
  createTakeHistory,
  createTakeQueue,
  createTallies,
  createWorkerRegistry,
  openRedis,
  requestDrill,
} from '@muster/queue';
import { startSink } from '@muster/sink';
import { createLogger } from '@muster/telemetry';
import { startWorker } from '@muster/worker';
import { Queue, Worker } from 'bullmq';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import type { Bench } from './measured.ts';

const DRILLS = 500;
const AT_ONCE = 16;
const WAITING_DRILLS = 80;
const WAIT_MS = 200;
const SOURCES = 10_000;
const now = (): Date => new Date(performance.timeOrigin + performance.now());
const logger = createLogger({ service: 'bench', level: 'error', pretty: false });

/** The fleet beside what it is made of; every Redis is real, drills do nothing or just wait. */
export async function benchFleet(folder: string): Promise<Bench> {
  const path = await withFleet(join(folder, 'path'), (fleet) =>
    timeDrills(fleet, { from: 'tick', drills: DRILLS, workers: 1, atOnce: AT_ONCE, waitMs: 0 }),
  );
  const raw = await timeRawJobs();
  const waiting: Record<number, number> = {};
  for (const workers of [1, 2, 4]) {
    waiting[workers] = await withFleet(join(folder, `w${workers}`), (fleet) =>
      timeDrills(fleet, { from: 'request', drills: WAITING_DRILLS, workers, atOnce: 1, waitMs: WAIT_MS }),
    );
  }
  const producer = await timeProducer(join(folder, 'producer'));
  const idle = await idleMemory();
  const one = waiting[1] ?? Number.NaN;
  return {
    figures: {
      [`${DRILLS} drills that do nothing, tick to indexed, ms`]: path,
      [`${DRILLS} raw BullMQ jobs, ms`]: raw,
      [`${WAITING_DRILLS} drills of ${WAIT_MS} ms, 1 worker, ms`]: one,
      '… 2 workers, ms': waiting[2] ?? Number.NaN,
      '… 4 workers, ms': waiting[4] ?? Number.NaN,
      [`${SOURCES} sources loaded, ms`]: producer.loaded,
      '… and first looked at, ms': producer.settled,
      '… reloaded unchanged, ms': producer.unchanged,
      '… reloaded with one change, ms': producer.changed,
      'idle muster worker, MiB': idle.muster,
      'idle bare BullMQ worker, MiB': idle.bare,
    },
    ratios: {
      'queue path / raw jobs': path / raw,
      'efficiency of 2 workers': one / (2 * (waiting[2] ?? Number.NaN)),
      'efficiency of 4 workers': one / (4 * (waiting[4] ?? Number.NaN)),
      'reload unchanged / load': producer.unchanged / producer.loaded,
      'idle muster worker / bare BullMQ worker': idle.muster / idle.bare,
    },
  };
}

interface BenchFleet {
  readonly server: RedisServer;
  readonly folder: string;
  readonly redis: ReturnType<typeof openRedis>;
}

async function withFleet<T>(folder: string, work: (fleet: BenchFleet) => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const server = await startRedis();
  const redis = openRedis(server.url, 'commands');
  try {
    return await work({ server, folder, redis });
  } finally {
    redis.disconnect();
    await server.close();
  }
}

function configOf(sources: number): {
  readonly text: string;
  readonly config: Config;
  readonly document: string;
} {
  const lines = Array.from(
    { length: sources },
    (_, index) => `  - slug: source-${index}
    kind: postgres
    backup: { type: dump, location: /var/backups/source-${index} }
    checks: [rows]
    schedules:
      - { name: nightly, cron: "${index % 60} ${index % 24} * * *", tz: Europe/Paris, jitter: 30m }
`,
  );
  const text = `sources:\n${lines.join('')}checks:\n  - { id: rows, summary_sql: SELECT 1 AS n, expect: "n == 1" }\n`;
  const parsed = parseConfig(text, { file: 'muster.yaml', baseDirectory: '/' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return { text, ...parsed };
}

/** From the first tick, or the first drill asked for, to the last receipt in the index. */
async function timeDrills(
  { server: { url }, folder, redis }: BenchFleet,
  asked: {
    readonly from: 'tick' | 'request';
    readonly drills: number;
    readonly workers: number;
    readonly atOnce: number;
    readonly waitMs: number;
  },
): Promise<number> {
  const signal = AbortSignal.timeout(300_000);
  const { text, config, document } = configOf(asked.from === 'tick' ? asked.drills : 1);
  const keyring = join(folder, 'keys');
  const { privateKey } = await ensurePrivateKey({ privateKey: join(folder, 'key'), keyring }, signal);
  const signer = createSigner(privateKey);
  const store = createDirectoryStore(join(folder, 'evidence'));
  const index = await openEmbeddedIndex(join(folder, 'index'), signal);
  let indexed = 0;
  const queues = {
    drills: createDrillQueue(redis),
    receipts: createReceiptQueue(redis),
    quarantined: createQuarantinedDrills(redis),
    states: createDrillStates(redis, url),
    events: createDrillEvents(redis, url),
    configs: createConfigStore(redis, url),
    leases: createLeases(redis),
    looks: createLooks(redis),
    reservations: createReservations(redis),
    registry: createWorkerRegistry(redis),
    schedules: createSchedules(redis),
    newest: createNewestSeen(redis),
    passed: createPassedBackups(redis),
    catalogues: createCatalogues(redis),
    takes: createTakeQueue(redis),
    takeHistory: createTakeHistory(redis),
    tallies: createTallies(redis),
  };
  await queues.configs.enforce(
    { digest: config.configSha256, text: document, directory: '/' },
    { type: 'file' },
  );
  const sink = startSink({
    ...queues,
    consumeReceipts: (options) => consumeReceipts(url, options),
    store,
    index: {
      put: async (receipt, limit) => {
        await index.put(receipt, limit);
        indexed += 1;
      },
    },
    keyring: () => loadKeyring(keyring),
    signer,
    issuer: { host: 'bench', musterVersion: '0' },
    logger,
    now,
  });
  const workers = Array.from({ length: asked.workers }, (_, number) =>
    startWorker(
      { pool: 'default', concurrency: asked.atOnce, graceMs: 1_000 },
      {
        ...queues,
        consumeDrills: (options) => consumeDrills(url, options),
        consumeTakes: () => ({ ready: Promise.resolve(), close: async () => {} }),
        takeBackup: () => () => Promise.reject(new Error('nobody takes in a benchmark')),
        findTaken: async () => undefined,
        prune: async () => ({ removed: 0, unproven: 0 }),
        takeOutput: () => {},
        openSigner: async () => signer,
        perform: async ({ plan }) => {
          if (asked.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, asked.waitMs));
          const statement = nothingSeen(plan);
          return { statement, receipt: signer.sign(statement) };
        },
        look: () => Promise.reject(new Error('nobody looks in a benchmark')),
        catalogue: () => Promise.reject(new Error('nobody looks in a benchmark')),
        removeCells: async () => {},
        capacity: async () => ({ hostId: 'bench', hostName: 'bench', memoryBytes: Number.MAX_SAFE_INTEGER }),
        identity: { worker: `bench-${number}`, host: 'bench', version: '0' },
        logger,
        now,
      },
    ),
  );
  const producer = asked.from === 'tick' ? startBenchProducer(url, queues, store, () => text) : undefined;
  await Promise.all([sink.ready, producer?.ready, ...workers.map((worker) => worker.ready)]);
  // The first look at what was due goes before it.
  await producer?.reload();
  const begin = performance.now();
  if (asked.from === 'tick') await addTicks(redis, config);
  else await requestDrills({ ...queues, store }, config, asked.drills, signal);
  await eventually('every receipt is indexed', () => indexed >= asked.drills, 240_000);
  const took = performance.now() - begin;
  await Promise.all(workers.map((worker) => worker.drain()));
  await Promise.all([sink.close(), producer?.close()]);
  await Promise.all([
    queues.drills.close(),
    queues.receipts.close(),
    queues.schedules.close(),
    index.close(),
  ]);
  return took;
}

/** One tick of each source, as its Job Scheduler makes it; due so long ago that its jitter is over. */
async function addTicks(redis: BenchFleet['redis'], { sources }: Config): Promise<void> {
  const due = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
  const ticks = new Queue('ticks', { connection: redis, prefix: 'muster' });
  for (let from = 0; from < sources.length; from += AT_ONCE) {
    await Promise.all(
      sources
        .slice(from, from + AT_ONCE)
        .map(({ slug }) =>
          ticks.add(
            'tick',
            { source: slug, schedule: 'nightly' },
            { jobId: `repeat:${slug}/nightly:${due}`, removeOnComplete: true },
          ),
        ),
    );
  }
  await ticks.close();
}

async function requestDrills(
  ports: Parameters<typeof requestDrill>[0],
  config: Config,
  drills: number,
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < drills; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, drills - from) }, () =>
        requestDrill(ports, planOf(config), {}, signal),
      ),
    );
  }
}

/** Of the first source, by hand. */
function planOf(config: Config): Plan {
  const [source] = config.sources;
  if (source === undefined) throw new Error('there is a source');
  return createPlan(config, source, {
    drillId: newDrillId(now()),
    trigger: { kind: 'cli' },
    restorePoint: { kind: 'latest' },
  });
}

/** A producer whose file has what `text` returns. */
function startBenchProducer(
  url: string,
  queues: Omit<
    Parameters<typeof startProducer>[0],
    'file' | 'parse' | 'consumeTicks' | 'openStore' | 'logger' | 'now'
  >,
  store: EvidenceStore,
  text: () => string,
) {
  const read = (yaml: string, directory: string) => {
    const parsed = parseConfig(yaml, { file: 'muster.yaml', baseDirectory: directory });
    if (!parsed.ok) return parsed;
    const { config, document } = parsed;
    return {
      ok: true as const,
      read: { config, document: { digest: config.configSha256, text: document, directory } },
    };
  };
  const file: ConfigFile = {
    path: 'muster.yaml',
    digest: async () => sha256(text()),
    read: async () => ({ fileDigest: sha256(text()), ...read(text(), '/') }),
    onChange: () => ({ close: () => {} }),
  };
  return startProducer({
    ...queues,
    file,
    parse: (document) => read(document.text, document.directory),
    consumeTicks: (options) => consumeTicks(url, options),
    openStore: () => store,
    logger,
    now,
  });
}

/** The shortest consistent receipt of a worker: there was no backup. */
function nothingSeen(plan: Plan): Statement {
  const issuer = { host: 'bench', musterVersion: '0', nodeVersion: process.version, os: 'Linux', now: now() };
  const { predicate, ...statement } = unfinishedStatement({ plan, reason: 'lost', attempts: [] }, issuer);
  const { issued_by: _, ...rest } = predicate;
  const attempt = {
    worker: 'bench',
    started_at: issuer.now.toISOString(),
    outcome: 'fail',
    reason: 'no_backup',
  } as const;
  return { ...statement, predicate: { ...rest, attempts: [attempt], result: 'fail', reason: 'no_backup' } };
}

/** The same number of jobs with the same data, through one queue of BullMQ and a processor that does nothing. */
async function timeRawJobs(): Promise<number> {
  const server = await startRedis();
  const connection = openRedis(server.url, 'blocking');
  const { config } = configOf(1);
  const queue = new Queue('raw', { connection });
  let done = 0;
  const count = async (): Promise<void> => {
    done += 1;
  };
  const worker = new Worker('raw', count, { connection, concurrency: AT_ONCE });
  await worker.waitUntilReady();
  const begin = performance.now();
  for (let from = 0; from < DRILLS; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, DRILLS - from) }, () => {
        const plan = planOf(config);
        return queue.add('drill', { plan }, { jobId: plan.drill_id });
      }),
    );
  }
  await eventually('every job is done', () => done >= DRILLS, 60_000);
  const took = performance.now() - begin;
  await worker.close();
  await queue.close();
  connection.disconnect();
  await server.close();
  return took;
}

async function timeProducer(
  folder: string,
): Promise<Readonly<Record<'loaded' | 'settled' | 'unchanged' | 'changed', number>>> {
  return await withFleet(folder, async ({ server: { url }, redis }) => {
    let { text } = configOf(SOURCES);
    const queues = {
      drills: createDrillQueue(redis),
      receipts: createReceiptQueue(redis),
      quarantined: createQuarantinedDrills(redis),
      states: createDrillStates(redis, url),
      events: createDrillEvents(redis, url),
      configs: createConfigStore(redis, url),
      schedules: createSchedules(redis),
      takes: createTakeQueue(redis),
      takeHistory: createTakeHistory(redis),
      tallies: createTallies(redis),
    };
    const store = createDirectoryStore(join(folder, 'evidence'));
    const begin = performance.now();
    const producer = startBenchProducer(url, queues, store, () => text);
    await producer.ready;
    const loaded = performance.now() - begin;
    // The first look at what was due goes before it.
    await producer.reload();
    const settled = performance.now() - begin;
    const again = performance.now();
    await producer.reload();
    const unchanged = performance.now() - again;
    text = text.replace('Europe/Paris', 'Europe/Rome');
    const once = performance.now();
    await producer.reload();
    const changed = performance.now() - once;
    await producer.close();
    await Promise.all([queues.drills.close(), queues.receipts.close(), queues.schedules.close()]);
    return { loaded, settled, unchanged, changed };
  });
}

const BARE = `import { Worker } from 'bullmq'; import { Redis } from 'ioredis';
const worker = new Worker('drills', async () => {}, { connection: new Redis(process.argv[1], { maxRetriesPerRequest: null }) });
await worker.waitUntilReady(); console.error('{"msg":"ready"}');`;

/** Resident memory, in MiB, of a worker that waits. */
async function idleMemory(): Promise<{ readonly muster: number; readonly bare: number }> {
  const server = await startRedis();
  const env = { ...process.env, MUSTER_REDIS_URL: server.url };
  try {
    return {
      muster: await residentOf(['packages/cli/bin/muster.mjs', 'worker'], env),
      bare: await residentOf(['--input-type=module', '-e', BARE, server.socket], env),
    };
  } finally {
    await server.close();
  }
}

async function residentOf(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  try {
    for await (const line of createInterface({ input: child.stderr }))
      if (line.includes('"msg":"ready"')) break;
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes) / 1024;
  } finally {
    child.kill('SIGKILL');
    await gone;
  }
}
