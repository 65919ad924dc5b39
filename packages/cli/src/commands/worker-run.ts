import { MusterError, parseDuration } from '@muster/core';
import type { Logger } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { serviceQueues } from '../fleet/fleet-queues.js';
import { fleetRedis } from '../fleet/redis-place.js';
import { processLogger } from '../fleet/service-logger.js';
import { type WorkerAsked, workerService } from '../fleet/services.js';
import { withTelemetry } from '../fleet/with-telemetry.js';
import { loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { serving, stopped } from '../serving.js';

export interface WorkerOptions {
  readonly pool?: string;
  readonly concurrency: string;
  readonly grace: string;
}

/** `muster worker`: until it is told to stop, and what it runs has ended or is given back. */
export async function workerRun(cli: Cli, options: WorkerOptions): Promise<number> {
  const logger = processLogger(cli, 'worker');
  const asked = workerAsked(options);
  return await withTelemetry(cli, { service: 'worker', logger }, () => serveWorker(cli, asked, logger));
}

async function serveWorker(cli: Cli, asked: WorkerAsked, logger: Logger): Promise<number> {
  const queues = serviceQueues(await redisOfWorker(cli), logger);
  try {
    for (const warning of await queues.check()) logger.warn(warning);
    const ignore = (): void => logger.info('a worker has no configuration of its own to read again');
    await serving(cli.process, ignore, async (stop) => {
      const worker = await workerService(cli, asked, queues, logger);
      try {
        await worker.ready;
        await stopped(stop);
      } finally {
        await worker.drain();
      }
    });
    return EXIT.pass;
  } finally {
    await queues.close();
  }
}

/** Configurations come through Redis: of a file, a worker needs just where that is. */
async function redisOfWorker(cli: Cli): Promise<string> {
  const { env } = cli.environment;
  return env['MUSTER_REDIS_URL'] || (await fleetRedis(cli.environment, (await loadConfig(cli)).config));
}

const MOST_AT_ONCE = 1_000;

/** @throws `usage` */
export function workerAsked({ pool = 'default', concurrency, grace }: WorkerOptions): WorkerAsked {
  const count = Number(concurrency);
  if (!Number.isInteger(count) || count < 1 || count > MOST_AT_ONCE) {
    throw new MusterError('usage', `--concurrency takes a whole number from 1 to ${MOST_AT_ONCE}.`);
  }
  const graceMs = parseDuration(grace);
  if (graceMs === undefined)
    throw new MusterError('usage', '--grace takes a duration such as 30s, 10m or 1h.');
  if (!/^[a-z0-9-]+$/.test(pool)) {
    throw new MusterError(
      'usage',
      '--pool takes the name of a pool: lower-case letters, digits and hyphens.',
    );
  }
  return { pool, concurrency: count, graceMs };
}
