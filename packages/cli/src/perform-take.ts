import type { TakeBackup } from '@muster/backups';
import { type Config, MusterError } from '@muster/core';
import type { Environment } from './environment.js';
import { takeSetsOf } from './pgbackrest-here.js';

/**
 * Takes backups of any source of a configuration, on this machine: by hand, and in the worker. It knows no terminal.
 * `config`: the configuration that the sources are of.
 */
export function createTakeBackup(environment: Environment, _config: Config): TakeBackup {
  return async (request, options, signal) => {
    const { source } = request;
    const { backup } = source;
    if (backup.type === 'pgbackrest')
      return await takeSetsOf(environment, source, backup)(request, options, signal);
    throw new MusterError('not_supported_yet', `Backups of the source "${source.slug}" cannot be taken yet.`);
  };
}
