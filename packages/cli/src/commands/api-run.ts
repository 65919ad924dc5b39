import type { Logger, Telemetry } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { apiService } from '../fleet/api-service.js';
import { serviceQueues } from '../fleet/fleet-queues.js';
import { fleetRedis } from '../fleet/redis-place.js';
import { processLogger } from '../fleet/service-logger.js';
import { requireIndex } from '../fleet/services.js';
import { withTelemetry } from '../fleet/with-telemetry.js';
import { loadConfig } from '../load-config.js';
import { EXIT } from '../problem.js';
import { serving, stopped } from '../serving.js';

/** `muster api`: until it is told to stop. */
export async function apiRun(cli: Cli): Promise<number> {
  const logger = processLogger(cli, 'api');
  const asked = { service: 'api', logger, scraped: true };
  return await withTelemetry(cli, asked, (telemetry) => serveApi(cli, logger, telemetry));
}

async function serveApi(cli: Cli, logger: Logger, telemetry: Telemetry): Promise<number> {
  const loaded = await loadConfig(cli);
  let reload = (): void => {};
  await serving(
    cli.process,
    () => reload(),
    async (stop) => {
      await using held = new AsyncDisposableStack();
      const queues = serviceQueues(await fleetRedis(cli.environment, loaded.config), logger);
      held.defer(() => queues.close());
      for (const warning of await queues.check()) logger.warn(warning);
      const index = await requireIndex(cli, loaded, stop);
      held.defer(() => index.close());
      const api = await apiService(cli, loaded, { queues, index, telemetry }, logger);
      held.defer(() => api.close());
      reload = () => {
        api.reload().catch((error: unknown) => logger.error('the tokens were not read again', error));
      };
      await stopped(stop);
    },
  );
  return EXIT.pass;
}
