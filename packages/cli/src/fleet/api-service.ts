import { type ApiPorts, type RunningApi, startApi } from '@muster/api';
import { loadKeyring } from '@muster/evidence';
import type { DrillIndex } from '@muster/index';
import type { Logger } from '@muster/telemetry';
import type { Cli } from '../cli.js';
import { openEvidenceStore } from '../evidence-store.js';
import type { LoadedConfig } from '../load-config.js';
import { musterVersion } from '../version.js';
import type { FleetQueues } from './fleet-queues.js';

/** Listens when it resolves. @throws `tokens_missing`, `address_unavailable`. */
export async function apiService(
  { environment }: Cli,
  loaded: LoadedConfig,
  queues: FleetQueues,
  index: DrillIndex,
  logger: Logger,
): Promise<RunningApi> {
  const ports: ApiPorts = {
    ...queues,
    index,
    store: openEvidenceStore(loaded.evidence.store, environment),
    keyring: () => loadKeyring(loaded.evidence.keyring),
    logger,
    now: environment.now,
  };
  const api = await startApi(ports, loaded.config.api, { version: musterVersion() });
  logger.info('ready', { address: api.address });
  return api;
}
