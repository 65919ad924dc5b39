import { type DrillIndex, openEmbeddedIndex } from '@muster/index';
import type { Cli } from '../cli.js';
import type { LoadedConfig } from '../load-config.js';
import { embeddedIndexDirectory, namedIndex } from './services.js';
import { lockState } from './state-lock.js';

/**
 * The index that is to be made anew. An embedded one belongs to one process: it is refused while a `muster up` of this
 * state directory runs. @throws `redis_unavailable`, `index_unavailable`.
 */
export async function openIndexForRebuild(
  cli: Cli,
  loaded: LoadedConfig,
  signal: AbortSignal,
): Promise<DrillIndex> {
  const named = await namedIndex(cli, loaded, signal);
  if (named !== undefined) return named;
  const state = await lockState(cli.environment);
  try {
    const index = await openEmbeddedIndex(embeddedIndexDirectory(cli), signal);
    return { ...index, close: () => index.close().finally(state.release) };
  } catch (error) {
    await state.release();
    throw error;
  }
}
