import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Predicate, Statement } from '@muster/core';
import { createDrillEvents, type FleetEvent, openRedis } from '@muster/queue';
import { type DumpServer, dumpServer } from './dumps.ts';
import { type Ended, ending } from './ending.ts';
import { eventually } from './eventually.ts';
import { IMAGES } from './images.ts';
import { leftovers } from './leftovers.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { sourceText, type TestSources } from './source-text.ts';

/** A service of Muster, run as its own process by the command that a user runs. */
export interface Service {
  readonly name: string;
  readonly child: ChildProcess;
  /** What it logged so far, one JSON object a line. */
  readonly log: readonly string[];
  /** Sends a signal; with SIGKILL and SIGTERM, resolves when it is gone. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Its exit code; null after a signal. */
  readonly ended: Promise<number | null>;
}

export interface FleetOptions extends TestSources {
  /** Lines of YAML for the whole file. */
  readonly config?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A Redis, a PostgreSQL for the index, an evidence directory, a source with a directory of dumps: no service yet. */
export interface Fleet {
  readonly folder: string;
  /** Where the source's dumps lie. */
  readonly dumps: string;
  readonly redis: RedisServer;
  readonly indexServer: DumpServer;
  /** Starts a service and waits until it says that it is ready. */
  start(service: 'producer' | 'worker' | 'sink' | 'api', ...args: readonly string[]): Promise<Service>;
  /**
   * The same for a worker in a container of the tests' image that has the Docker socket, and of this host's directories
   * those of the fleet and `shares`. A signal to it is one to the worker.
   */
  startInContainer(...shares: readonly string[]): Promise<Service>;
  /** Runs a command of muster to its end. */
  muster(...args: readonly string[]): Promise<Ended>;
  /** Asks for a drill of the source and returns its id. */
  enqueue(...args: readonly string[]): Promise<string>;
  /** Resolves with the first event of the drill, from its first on, that is as wanted. */
  heard(drillId: string, wanted: (event: FleetEvent) => boolean, limitMs?: number): Promise<FleetEvent>;
  /** Resolves when the receipt is in the evidence store; its predicate. */
  receipt(drillId: string, limitMs?: number): Promise<Predicate>;
  /** Every receipt in the evidence store. */
  receipts(): Promise<readonly Predicate[]>;
  /** What drills left on the host: containers, volumes, directories, sockets. Empty if they cleaned up. */
  leftovers(): Promise<readonly string[]>;
  /** Kills whatever runs, and removes everything. */
  close(): Promise<void>;
}

/** By this very Node, so that a signal reaches the service and not a door before it. */
const COMMAND = join(process.cwd(), 'packages/cli/bin/muster.mjs');
const READY_MS = 60_000;

export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const [redis, indexServer] = await Promise.all([startRedis(), dumpServer(15)]);
  const folder = await mkdtemp(join(tmpdir(), 'muster-fleet-'));
  const dumps = join(folder, 'dumps');
  const evidence = join(folder, 'evidence');
  await mkdir(dumps);
  await writeFile(join(folder, 'muster.yaml'), configText(options));
  // Looked at whenever something is started, so that a test can add to it.
  const env = (): NodeJS.ProcessEnv => ({
    ...process.env,
    MUSTER_STATE_DIR: join(folder, 'state'),
    NO_COLOR: '1',
    FLEET_REDIS: redis.url,
    MUSTER_REDIS_URL: redis.url,
    FLEET_INDEX: `postgresql://postgres@/postgres?host=${encodeURIComponent(indexServer.dir)}`,
    ...options.env,
  });
  const connection = openRedis(redis.url, 'commands');
  const events = createDrillEvents(connection, redis.url);
  const services: Service[] = [];

  const muster: Fleet['muster'] = async (...args) => {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    return await ending(
      spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: env(), stdio: [...stdio] }),
    );
  };
  await writeKey(muster);

  const receipts = async (): Promise<readonly Predicate[]> => {
    const paths = await readdir(join(evidence, 'receipts'), { recursive: true }).catch(() => []);
    const bundles = paths.filter((path) => path.endsWith('.sigstore.json'));
    return await Promise.all(bundles.map((path) => predicateOf(join(evidence, 'receipts', path))));
  };
  return {
    folder,
    dumps,
    redis,
    indexServer,
    muster,
    receipts,
    start: async (name, ...args) => {
      const service = await startService(name, [process.execPath, COMMAND, name, ...args], folder, env());
      services.push(service);
      return service;
    },
    startInContainer: async (...shares) => {
      const container = `muster-test-${randomUUID()}`;
      const command = workerInContainer(container, [
        tmpdir(),
        process.cwd(),
        dirname(process.execPath),
        ...shares,
      ]);
      const { signal: signalClient, ...service } = await startService('worker', command, folder, env());
      const signal = async (name: NodeJS.Signals): Promise<void> => {
        await ending(spawn('docker', ['kill', '--signal', name, container], { env: env(), stdio: 'ignore' }));
        await signalClient(name);
      };
      services.push({ ...service, signal });
      return { ...service, signal };
    },
    enqueue: async (...args) => {
      const { stdout, stderr, exitCode } = await muster('drill', 'enqueue', '--json', ...args);
      if (exitCode !== 0) throw new Error(`drill enqueue ended with ${exitCode}: ${stderr}`);
      return (JSON.parse(stdout) as { drill_id: string }).drill_id;
    },
    heard: async (drillId, wanted, limitMs = 60_000) => {
      const limit = AbortSignal.timeout(limitMs);
      const seen: string[] = [];
      for await (const { event } of events.follow(drillId, undefined, limit)) {
        seen.push(event.type);
        if (wanted(event)) return event;
      }
      throw new Error(`not within ${limitMs} ms; of ${drillId} was heard: ${seen.join(', ')}`);
    },
    receipt: async (drillId, limitMs = 100_000) => {
      const find = async () => (await receipts()).find((one) => one.drill_id === drillId);
      await eventually(`the receipt of ${drillId}`, async () => (await find()) !== undefined, limitMs);
      const found = await find();
      if (found === undefined) throw new Error('a receipt went away');
      return found;
    },
    leftovers: () => leftovers(evidence, join(folder, 'state'), env()),
    close: async () => {
      await Promise.all(
        services.map(async (service) => {
          await service.signal('SIGCONT');
          await service.signal('SIGKILL');
        }),
      );
      await events.close();
      connection.disconnect();
      await Promise.all([redis.close(), indexServer.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configText(options: FleetOptions): string {
  const lines = [
    ...sourceText(options),
    'redis: { url: env:FLEET_REDIS }',
    'index: { url: env:FLEET_INDEX }',
    'signing: { key: file:fleet.key }',
    ...((options.config ?? []).some((line) => line.startsWith('evidence:'))
      ? []
      : ['evidence: { store: ./evidence, keyring: ./keys }']),
    ...(options.config ?? []),
  ];
  return `${lines.join('\n')}\n`;
}

async function writeKey(muster: Fleet['muster']): Promise<void> {
  const made = await muster('keys', 'generate', '--out', 'fleet.key');
  if (made.exitCode !== 0) throw new Error(`keys generate ended with ${made.exitCode}: ${made.stderr}`);
}

/** The command that runs a worker in a container, where the named directories are what they are here. */
function workerInContainer(name: string, directories: readonly string[]): readonly string[] {
  const socket = process.env['DOCKER_HOST']?.replace('unix://', '') ?? '/var/run/docker.sock';
  const shared = directories.flatMap((path) => ['--volume', `${path}:${path}`]);
  const handed = [
    'FLEET_REDIS',
    'FLEET_INDEX',
    'MUSTER_REDIS_URL',
    'MUSTER_STATE_DIR',
    'DOCKER_HOST=unix:///docker.sock',
  ];
  const options = [
    '--network',
    'none',
    '--user',
    '0:0',
    '--volume',
    `${socket}:/docker.sock`,
    '--entrypoint',
    process.execPath,
  ];
  const env = handed.flatMap((variable) => ['--env', variable]);
  return [
    'docker',
    'run',
    '--rm',
    '--name',
    name,
    ...options,
    ...shared,
    ...env,
    IMAGES[15],
    COMMAND,
    'worker',
  ];
}

async function startService(
  name: string,
  [program = '', ...args]: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Service> {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const log: string[] = [];
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const limit = setTimeout(() => child.kill('SIGKILL'), READY_MS);
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      if (/"msg":"ready"/.test(line)) resolve();
    });
    void ended.then((code) => reject(new Error(`${name} ended with ${code}:\n${log.join('\n')}`)));
  });
  clearTimeout(limit);
  return {
    name,
    child,
    log,
    ended,
    signal: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await ended;
    },
  };
}

async function predicateOf(path: string): Promise<Predicate> {
  const bundle = JSON.parse(await readFile(path, 'utf8')) as { dsseEnvelope: { payload: string } };
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString();
  return (JSON.parse(payload) as Statement).predicate;
}
