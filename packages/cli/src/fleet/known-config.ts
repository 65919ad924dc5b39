import { isMusterError, type MusterError } from '@muster/core';
import type { Cli } from '../cli.js';
import { type LoadedConfig, loadConfig } from '../load-config.js';
import { ConfigFaults } from '../problem.js';
import { nearest } from '../render/faults.js';
import { findRedis } from './redis-place.js';

/** What the commands of a fleet need to know: where its Redis is, and where its evidence. */
export interface KnownConfig extends Pick<LoadedConfig, 'config' | 'evidence'> {
  /** For messages. */
  readonly file: string;
  /** Undefined where no fleet is named, nor runs here. @throws `secret_unavailable`. */
  redis(): Promise<string | undefined>;
}

/**
 * The configuration file; where that has faults, or is not here and nobody named one, the configuration in force of the fleet
 * that is known without it. @throws as {@link loadConfig}, where there is none.
 */
export async function knownConfig(cli: Cli): Promise<KnownConfig> {
  try {
    const loaded = await loadConfig(cli);
    return { ...loaded, redis: () => findRedis(cli.environment, loaded.config) };
  } catch (error) {
    if (!isMusterError(error) || !isDispensable(cli, error)) throw error;
    return await inForce(cli, error);
  }
}

const isDispensable = ({ environment, configOption }: Cli, { code }: MusterError): boolean =>
  code === 'config_invalid' ||
  (code === 'config_not_found' && configOption === undefined && !environment.env['MUSTER_CONFIG']);

async function inForce(cli: Cli, fault: MusterError): Promise<KnownConfig> {
  const { environment, output } = cli;
  const url = await findRedis(environment, undefined);
  if (url === undefined) {
    output.note(
      'Without a configuration, MUSTER_API_URL (and MUSTER_API_TOKEN) names the API of the fleet that is meant, or MUSTER_REDIS_URL its Redis.',
    );
    throw fault;
  }
  const { askConfigInForce } = await import('./config-in-force.js');
  try {
    const { config, evidence } = await askConfigInForce(cli, url);
    const why =
      fault instanceof ConfigFaults
        ? `${nearest(fault.file, environment.cwd)} has faults (muster config check tells them)`
        : 'No configuration file is here';
    output.note(`${why}: the one in force in the fleet serves in its place.`);
    return { file: 'the configuration in force', config, evidence, redis: async () => url };
  } catch (error) {
    if (!isMusterError(error)) throw error;
    output.alert(`The configuration in force in the fleet is not to be had either. ${error.message}`);
    throw fault;
  }
}
