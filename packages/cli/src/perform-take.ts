import type { TakeBackup } from '@muster/backups';
import { type Config, MusterError } from '@muster/core';
import type { Environment } from './environment.js';

/**
 * Takes backups of any source of a configuration, on this machine: by hand, and in the worker. It knows no terminal.
 * `config`: the configuration that the sources are of.
 */
export function createTakeBackup(_environment: Environment, _config: Config): TakeBackup {
  return async ({ source }) => {
    throw new MusterError('not_supported_yet', `Backups of the source "${source.slug}" cannot be taken yet.`);
  };
}
