import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { PrunedBackup } from '@muster/backups';
import { type Config, isMusterError, MusterError, restorePointOf } from '@muster/core';
import { preflight, runDrill } from '@muster/drill';
import type { DrillIndex } from '@muster/index';
import { type RunningProducer, startProducer } from '@muster/producer';
import { consumeDrills, consumeReceipts, consumeTakes, consumeTicks } from '@muster/queue';
import { fleetHost, removeSpools, sweepSpools } from '@muster/scratch';
import { type RunningSink, startSink } from '@muster/sink';
import type { Logger } from '@muster/telemetry';
import { type RunningWorker, startWorker } from '@muster/worker';
import type { Cli } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import type { LoadedConfig } from '../load-config.js';
import { openOutputLog } from '../output-log.js';
import { pruneBackups } from '../perform-prune.js';
import { createTakeBackup } from '../perform-take.js';
import { stateDirectory } from '../places.js';
import { resolveSecret } from '../resolve-secret.js';
import { openSigner, workerSigner } from '../signing.js';
import { toldCatalogue } from '../source-catalogue.js';
import { takenBefore } from '../taken-before.js';
import { musterVersion } from '../version.js';
import { drillPorts, hostOptions, lookPorts } from '../wiring.js';
import { configFile, parseDocument } from './config-file.js';
import { configInForce } from './config-in-force.js';
import { drillsOfBoth, fleetDrills, writtenDrills } from './fleet-drills.js';
import type { FleetQueues } from './fleet-queues.js';
import { servicePulse, withPulse } from './service-pulse.js';
import { watchedKeyring } from './watched-keyring.js';

/** Each service, wired to a Redis. Whoever starts one ends it. */

export function producerService(
  { environment, ...cli }: Cli,
  file: string,
  queues: FleetQueues,
  logger: Logger,
): RunningProducer {
  const running = startProducer({
    ...queues,
    file: configFile({ environment, ...cli }, file),
    parse: parseDocument,
    consumeTicks: (options) => consumeTicks(queues.url, options),
    openStore: ({ evidence }) => {
      if (evidence.store === undefined) throw new Error('the configuration was parsed without its places');
      return openEvidenceStore(evidence.store, environment);
    },
    logger,
    now: environment.now,
  });
  return withPulse(running, servicePulse(queues.services, 'producer', instanceOf(environment)));
}

/** Unique: host, process and a few random letters. */
const instanceOf = ({ hostname }: Cli['environment']): string =>
  `${hostname}-${process.pid}-${randomBytes(3).toString('hex')}`;

export interface WorkerAsked {
  readonly pool: string;
  readonly concurrency: number;
  readonly graceMs: number;
}

export async function workerService(
  cli: Cli,
  asked: WorkerAsked,
  queues: FleetQueues,
  logger: Logger,
): Promise<RunningWorker> {
  const { environment } = cli;
  await requireSigner(cli, queues, asked.pool);
  const worker = instanceOf(environment);
  const output = await openOutputLog(stateDirectory(environment), environment.now);
  await sweepSpools(stateDirectory(environment));
  const host = ({ scratch }: Config) =>
    fleetHost({ kind: scratch.kind, env: environment.env, ...hostOptions(environment) });
  const told = new Set<string>();
  const onFallback = (why: string): void => {
    if (told.has(why)) return;
    told.add(why);
    logger.warn('scratches run in bubblewrap, for Docker cannot be used', { why });
  };
  return startWorker(asked, {
    ...queues,
    consumeDrills: (options) => consumeDrills(queues.url, options),
    consumeTakes: (options) => consumeTakes(queues.url, options),
    takeBackup: (config) => createTakeBackup(environment, config),
    findTaken: (source, takeId, signal) => takenBefore(environment, source, takeId, signal),
    prune: async (config, source, signal) => {
      const drills = drillsOfBoth(
        fleetDrills(queues, source.slug),
        writtenDrills(environment, queues.configs, config, source),
      );
      const onOutput = (text: string): void => output.append(`prune-${source.slug}`, text);
      const how = { dryRun: false, unproven: false };
      const pruned = await pruneBackups(environment, { source, drills, onOutput, ...how }, signal);
      const count = (is: (backup: PrunedBackup) => boolean) => pruned.backups.filter(is).length;
      return {
        removed: count(({ outcome }) => outcome === 'removed'),
        unproven: count(({ why }) => why === 'unproven'),
      };
    },
    catalogue: (source, signal) => toldCatalogue(environment, source, worker, signal),
    takeOutput: output.append,
    openSigner: (config) => workerSigner(cli, config),
    perform: async ({ plan, config, source, signer, earlier, traceId }, observe, signal) => {
      const hooks = { signer, observe, output: output.append, onFallback };
      const ports = drillPorts(environment, config, hooks, { name: worker, pool: asked.pool });
      const newestBefore = await queues.newest.marks(source.slug, plan.drill_id).catch(() => []);
      return await runDrill(
        ports,
        { plan, config, source, restorePoint: restorePointOf(plan), newestBefore, earlier, traceId },
        signal,
      );
    },
    look: async ({ plan, config, source }, signal) => {
      const looker = { host: environment.hostname, worker };
      const request = { plan, config, source, restorePoint: restorePointOf(plan) };
      return await preflight(lookPorts(environment, config, onFallback), request, looker, signal);
    },
    removeCells: async (config, drillId) => {
      await removeSpools(stateDirectory(environment), drillId);
      await host(config).removeCells(drillId, AbortSignal.timeout(REMOVING_MS));
    },
    capacity: (config, signal) => host(config).capacity(signal),
    identity: { worker, host: environment.hostname, version: musterVersion() },
    logger,
    now: environment.now,
  });
}

const REMOVING_MS = 60_000;

/**
 * Better said now than of each drill. Where no configuration is in force yet, nobody knows which key is meant.
 * @throws `key_unreadable`, `key_invalid`, `secret_unavailable`.
 */
async function requireSigner(cli: Cli, queues: FleetQueues, pool: string): Promise<void> {
  const inForce = await configInForce(cli, queues).catch((error: unknown) => {
    if (isMusterError(error, 'producer_unavailable')) return undefined;
    throw error;
  });
  // A pool that only takes backups has nothing to sign.
  if (!inForce?.config.sources.some((source) => source.pool === pool)) return;
  try {
    await workerSigner(cli, inForce.config);
  } catch (cause) {
    if (!isMusterError(cause)) throw cause;
    const message = `This worker cannot sign, and takes no drill. ${cause.message}`;
    throw new MusterError(cause.code, message, { cause });
  }
}

export async function sinkService(
  cli: Cli,
  loaded: LoadedConfig,
  queues: FleetQueues,
  index: DrillIndex,
  logger: Logger,
  signal: AbortSignal,
): Promise<RunningSink> {
  const { environment } = cli;
  const signer = await openSigner(cli, loaded, signal);
  const running = startSink({
    ...queues,
    consumeReceipts: (options) => consumeReceipts(queues.url, options),
    store: openEvidenceStore(loaded.evidence.store, environment),
    index,
    keyring: watchedKeyring(loaded.evidence.keyring, logger),
    signer,
    issuer: { host: environment.hostname, musterVersion: musterVersion() },
    logger,
    now: environment.now,
  });
  return withPulse(running, servicePulse(queues.services, 'sink', instanceOf(environment)));
}

/** The index that the configuration names; undefined where it names none. @throws `index_unavailable`. */
export async function namedIndex(
  { environment }: Cli,
  { config }: Pick<LoadedConfig, 'config'>,
  signal: AbortSignal,
): Promise<DrillIndex | undefined> {
  if (config.index.url === undefined) return undefined;
  const { openPostgresIndex } = await import('@muster/index');
  return await openPostgresIndex(await resolveSecret(config.index.url, environment.env), signal);
}

/** @throws `usage` where the configuration names none. */
export async function requireIndex(cli: Cli, loaded: LoadedConfig, signal: AbortSignal): Promise<DrillIndex> {
  const index = await namedIndex(cli, loaded, signal);
  if (index !== undefined) return index;
  throw new MusterError(
    'usage',
    `${loaded.file} names no index: a sink by itself needs index.url (muster up has one embedded).`,
  );
}

/** Where `muster up` keeps its own index. */
export const embeddedIndexDirectory = (cli: Cli): string => join(stateDirectory(cli.environment), 'index');
