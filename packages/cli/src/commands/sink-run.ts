import type { Logger } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { serviceQueues } from '../fleet/fleet-queues.js';
import { fleetRedis } from '../fleet/redis-place.js';
import { processLogger } from '../fleet/service-logger.js';
import { requireIndex, sinkService } from '../fleet/services.js';
import { withTelemetry } from '../fleet/with-telemetry.js';
import { loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { serving, stopped } from '../serving.js';

/** `muster sink`: until it is told to stop. */
export async function sinkRun(cli: Cli): Promise<number> {
  const logger = processLogger(cli, 'sink');
  return await withTelemetry(cli, { service: 'sink', logger }, () => serveSink(cli, logger));
}

async function serveSink(cli: Cli, logger: Logger): Promise<number> {
  const loaded = await loadConfig(cli);
  const queues = serviceQueues(await fleetRedis(cli.environment, loaded.config), logger);
  try {
    for (const warning of await queues.check()) logger.warn(warning);
    const ignore = (): void => logger.info('a sink reads its configuration when it starts');
    await serving(cli.process, ignore, async (stop) => {
      const index = await requireIndex(cli, loaded, stop);
      try {
        const sink = await sinkService(cli, loaded, queues, index, logger, stop);
        try {
          await sink.ready;
          await stopped(stop);
        } finally {
          await sink.close();
        }
      } finally {
        await index.close();
      }
    });
    return EXIT.pass;
  } finally {
    await queues.close();
  }
}
