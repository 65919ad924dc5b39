import { access } from 'node:fs/promises';
import { MusterError } from '@muster/core';
import { type DrillIndex, openEmbeddedIndex } from '@muster/index';
import type { Cli } from '../cli.js';
import type { LoadedConfig } from '../load-config.js';
import { embeddedRedisSocket } from './redis-place.js';
import { embeddedIndexDirectory, namedIndex } from './services.js';

/**
 * The index that is to be made anew. An embedded one belongs to one process: it is refused while a `muster up` of this
 * state directory runs. @throws `usage`, `index_unavailable`.
 */
export async function openIndexForRebuild(
  cli: Cli,
  loaded: LoadedConfig,
  signal: AbortSignal,
): Promise<DrillIndex> {
  const named = await namedIndex(cli, loaded, signal);
  if (named !== undefined) return named;
  const runs = await access(embeddedRedisSocket(cli.environment)).then(
    () => true,
    () => false,
  );
  if (runs) {
    throw new MusterError(
      'usage',
      'The embedded index belongs to the muster up that runs here: stop it first.',
    );
  }
  return await openEmbeddedIndex(embeddedIndexDirectory(cli), signal);
}
