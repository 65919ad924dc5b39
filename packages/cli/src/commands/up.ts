import { isMusterError } from '@muster/core';
import { openEmbeddedIndex } from '@muster/index';
import { createConfigInForce } from '@muster/queue';
import type { Logger, Telemetry } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { type ApiParts, type ApiService, apiService } from '../fleet/api-service.js';
import { type EmbeddedRedis, startEmbeddedRedis } from '../fleet/embedded-redis.js';
import { serviceQueues } from '../fleet/fleet-queues.js';
import { createPoolWorkers } from '../fleet/pool-workers.js';
import { namedRedis } from '../fleet/redis-place.js';
import { processLogger, serviceLogger } from '../fleet/service-logger.js';
import { embeddedIndexDirectory, namedIndex, producerService, sinkService } from '../fleet/services.js';
import { lockState } from '../fleet/state-lock.js';
import { withTelemetry } from '../fleet/with-telemetry.js';
import { startWorkerProcess } from '../fleet/worker-process.js';
import { type LoadedConfig, loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { serving, stopped } from '../serving.js';
import { type WorkerOptions, workerAsked } from './worker-run.js';

/** `muster up`: a Redis if none is named, producer, sink and API in this process, workers in ones of their own. */
export async function up(cli: Cli, options: WorkerOptions): Promise<number> {
  const logger = processLogger(cli, 'up');
  workerAsked(options);
  const asked = { service: 'up', logger, scraped: true };
  return await withTelemetry(cli, asked, (telemetry) => serveAll(cli, options, logger, telemetry));
}

async function serveAll(
  cli: Cli,
  options: WorkerOptions,
  logger: Logger,
  telemetry: Telemetry,
): Promise<number> {
  const loaded = await loadConfig(cli);
  let reload = (): void => {};
  await serving(
    cli.process,
    () => reload(),
    async (stop) => {
      await using held = new AsyncDisposableStack();
      const state = await lockState(cli.environment);
      held.defer(() => state.release());
      const named = await namedRedis(cli.environment, loaded.config);
      const redis = named === undefined ? await startEmbeddedRedis(cli.environment) : undefined;
      held.defer(() => redis?.stop());
      const url = redis?.url ?? named ?? '';
      const onReload = (work: () => void): void => {
        reload = work;
      };
      await serve(cli, { loaded, options, url, logger, telemetry, stop, redis, onReload });
    },
  );
  return EXIT.pass;
}

interface Serving {
  readonly loaded: LoadedConfig;
  readonly options: WorkerOptions;
  readonly url: string;
  readonly redis: EmbeddedRedis | undefined;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly stop: AbortSignal;
  readonly onReload: (reload: () => void) => void;
}

/** Which pools are in force, for the workers to serve. */
const LOOK_MS = 5_000;
/** How long its own workers may take to join it, before it says that it is ready without them. */
const JOINING_MS = 20_000;

/** What is started first is ended last; each release stands beside what it releases. */
async function serve(
  cli: Cli,
  { loaded, options, url, redis, logger, telemetry, stop, onReload }: Serving,
): Promise<void> {
  await using held = new AsyncDisposableStack();
  const queues = serviceQueues(url, logger);
  held.defer(() => queues.close());
  for (const warning of await queues.check()) logger.warn(warning);
  const index =
    (await namedIndex(cli, loaded, stop)) ?? (await openEmbeddedIndex(embeddedIndexDirectory(cli), stop));
  held.defer(() => index.close());
  const sink = await sinkService(cli, loaded, queues, index, serviceLogger(cli, 'sink'), stop);
  held.defer(() => sink.close());
  const producer = producerService(cli, loaded.file, queues, serviceLogger(cli, 'producer'));
  held.defer(() => producer.close());
  await Promise.all([sink.ready, producer.ready]);
  const api = await serveApi(cli, loaded, { queues, index, telemetry });
  held.defer(() => api?.close());
  onReload(() => {
    for (const one of [producer, api])
      one?.reload().catch((error: unknown) => logger.error('the configuration was not read again', error));
  });
  const { concurrency, grace } = options;
  const env = { ...cli.environment.env, MUSTER_REDIS_URL: url };
  const workers = createPoolWorkers({
    inForce: createConfigInForce(queues.configs),
    registry: queues.registry,
    start: (pool) =>
      startWorkerProcess(['--pool', pool, '--concurrency', concurrency, '--grace', grace], env, logger),
    isAlone: redis !== undefined,
    logger,
  });
  held.defer(() => workers.stop());
  const looking = setInterval(() => void workers.look(), LOOK_MS);
  held.defer(() => clearInterval(looking));
  await workers.look();
  // Whoever asks for a drill as soon as all is ready is not told that nobody takes it.
  await workers.joined(AbortSignal.any([stop, AbortSignal.timeout(JOINING_MS)]));
  logger.info('ready', { config: loaded.file, evidence: loaded.evidence.store.location });
  await Promise.race([stopped(stop), redis?.ended ?? stopped(stop)]);
  if (!stop.aborted) logger.error('the embedded Redis ended: muster up ends too');
}

/** Undefined where somebody else has the default address: that nobody asked for it is no reason to end. */
async function serveApi(cli: Cli, loaded: LoadedConfig, parts: ApiParts): Promise<ApiService | undefined> {
  const logger = serviceLogger(cli, 'api');
  try {
    return await apiService(cli, loaded, parts, logger);
  } catch (error) {
    if (!isMusterError(error, 'address_unavailable') || loaded.config.api.listen !== undefined) throw error;
    logger.warn(`There is no API. ${error.message}`);
    return undefined;
  }
}
