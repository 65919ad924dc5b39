import { createPlan, MusterError, newDrillId } from '@muster/core';
import { drillsQueue, lackOfWorkers, requestDrill } from '@muster/queue';
import { traceRequest } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { configInForce, sourceInForce } from '../fleet/config-in-force.js';
import { serviceLogger } from '../fleet/service-logger.js';
import { type Fleet, withFleet } from '../fleet/with-fleet.js';
import { callerContext, withTelemetry } from '../fleet/with-telemetry.js';
import { EXIT } from '../problem.js';
import { commandName } from '../terminal/shell.js';
import { watchDrill } from './drill-watch.js';
import { type RestorePointOptions, restorePointOf } from './restore-point-options.js';

export interface DrillEnqueueOptions extends RestorePointOptions {
  readonly source?: string;
  readonly pool?: string;
  readonly watch?: true;
}

const STORING_MS = 60_000;

/** `muster drill enqueue`: a drill by hand, for whichever worker of the pool is free. */
export function drillEnqueue(cli: Cli, options: DrillEnqueueOptions): Promise<number> {
  if (options.pool !== undefined && !/^[a-z0-9-]+$/.test(options.pool)) {
    throw new MusterError(
      'usage',
      '--pool takes the name of a pool: lower-case letters, digits and hyphens.',
    );
  }
  return withTelemetry(cli, { service: 'cli', logger: serviceLogger(cli, 'cli') }, () =>
    withFleet(cli, (fleet, signal) => enqueue(cli, options, fleet, signal)),
  );
}

async function enqueue(
  cli: Cli,
  options: DrillEnqueueOptions,
  { loaded, queues }: Fleet,
  signal: AbortSignal,
): Promise<number> {
  const { environment, output } = cli;
  const inForce = await configInForce(cli, queues);
  const source = sourceInForce(inForce, options.source);
  const plan = createPlan(inForce.config, source, {
    drillId: newDrillId(environment.now()),
    trigger: { kind: 'cli' },
    restorePoint: restorePointOf(options, environment.now()),
    ...(options.pool !== undefined && { pool: options.pool }),
  });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(STORING_MS)]);
  await traceRequest(plan, drillsQueue(plan.pool), callerContext(environment), (carrier) =>
    requestDrill({ ...queues, store: inForce.store }, plan, carrier, limit),
  );
  if (options.watch) return await watchDrill(cli, { loaded, queues }, plan.drill_id, signal);
  // A drill of a pool that nobody serves waits for a day: better said now.
  const warning = lackOfWorkers(await queues.registry.list(), plan.pool);
  if (warning !== undefined) output.note(warning);
  const asked = { drill_id: plan.drill_id, source: source.slug, pool: plan.pool };
  output.result({ ...asked, ...(warning && { warning }) }, () => [
    plan.drill_id,
    ...(output.quiet ? [] : ['', `Follow it: ${commandName(environment.env)} drill watch ${plan.drill_id}`]),
  ]);
  return EXIT.pass;
}
