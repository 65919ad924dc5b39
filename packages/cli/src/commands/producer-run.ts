import type { Logger } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { serviceQueues } from '../fleet/fleet-queues.js';
import { fleetRedis } from '../fleet/redis-place.js';
import { processLogger } from '../fleet/service-logger.js';
import { producerService } from '../fleet/services.js';
import { withTelemetry } from '../fleet/with-telemetry.js';
import { loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { serving, stopped } from '../serving.js';

/** `muster producer`: until it is told to stop. */
export async function producerRun(cli: Cli): Promise<number> {
  const logger = processLogger(cli, 'producer');
  return await withTelemetry(cli, { service: 'producer', logger }, () => serveProducer(cli, logger));
}

async function serveProducer(cli: Cli, logger: Logger): Promise<number> {
  const { file, config } = await loadConfig(cli);
  const queues = serviceQueues(await fleetRedis(cli.environment, config), logger);
  try {
    for (const warning of await queues.check()) logger.warn(warning);
    const producer = producerService(cli, file, queues, logger);
    const reload = (): void => {
      producer
        .reload()
        .catch((error: unknown) => logger.error('the configuration was not read again', error));
    };
    try {
      await serving(cli.process, reload, async (stop) => {
        await producer.ready;
        logger.info('ready');
        await stopped(stop);
      });
    } finally {
      await producer.close();
    }
    return EXIT.pass;
  } finally {
    await queues.close();
  }
}
