import { type ApiPorts, type RunningApi, startApi } from '@muster/api';
import type { DrillIndex } from '@muster/index';
import { createConfigInForce } from '@muster/queue';
import { codeOf, inTime, type Logger, observeFleet, type Telemetry, tallyText } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import { type LoadedConfig, loadConfig } from '../load-config.js';
import { musterVersion } from '../version.js';
import type { FleetQueues } from './fleet-queues.js';
import { fleetView } from './fleet-view.js';
import { logFaults } from './log-faults.js';
import { tellMadeToken } from './made-token.js';
import { watchedKeyring } from './watched-keyring.js';

/** What the API stands on; whoever starts it owns them. */
export interface ApiParts {
  readonly queues: FleetQueues;
  readonly index: DrillIndex;
  readonly telemetry: Telemetry;
}

export interface ApiService extends RunningApi {
  /** Reads the tokens of the configuration file again. @throws where it has faults, or none: then those from before count on. */
  reload(): Promise<void>;
}

/** Listens when it resolves, and has told the token that it made. @throws `tokens_missing`, `address_unavailable`, `state_unwritable`. */
export async function apiService(
  cli: Cli,
  loaded: LoadedConfig,
  { queues, index, telemetry }: ApiParts,
  logger: Logger,
): Promise<ApiService> {
  const { environment } = cli;
  const ports: ApiPorts = {
    ...queues,
    inForce: createConfigInForce(queues.configs),
    index,
    store: openEvidenceStore(loaded.evidence.store, environment),
    metricsText: async () => {
      const sums = inTime(queues.tallies.read()).catch(() => new Map<string, number>());
      return `${await telemetry.metricsText()}${tallyText(await sums)}`;
    },
    keyring: watchedKeyring(loaded.evidence.keyring, logger),
    logger,
    now: environment.now,
  };
  await using held = new AsyncDisposableStack();
  const api = await startApi(ports, loaded.config.api, { version: musterVersion() });
  held.defer(() => api.close());
  held.defer(await tellMadeToken(cli, api));
  logger.info('ready', { address: api.address, ...(api.board && { queues: api.board }) });
  const view = fleetView({ ...ports, index });
  const observed = observeFleet(view, { now: environment.now, onError: tellUnread(logger, environment.now) });
  held.defer(async () => observed.close());
  const owned = held.move();
  return {
    ...api,
    reload: async () => {
      const { config } = await loadConfig(cli).catch((error: unknown) => tellFaults(logger, error));
      const { tokens } = config.api;
      if (tokens.length === 0 && api.madeToken !== undefined) return;
      api.useTokens(tokens);
      logger.info('tokens read again', { tokens: tokens.length });
    },
    close: () => owned.disposeAsync(),
  };
}

/** What stays away is told once a minute, and not at each look. */
const UNREAD_MS = 60_000;

export function tellUnread(logger: Pick<Logger, 'warn'>, now: () => Date) {
  const told = new Map<string, number>();
  return (what: string, error: unknown): void => {
    const at = now().getTime();
    if (at - (told.get(what) ?? Number.NEGATIVE_INFINITY) < UNREAD_MS) return;
    told.set(what, at);
    logger.warn(`metrics of the ${what} could not be read`, { code: codeOf(error) });
  };
}

function tellFaults(logger: Logger, error: unknown): never {
  logFaults(logger, error);
  throw error;
}
