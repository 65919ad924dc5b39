import type { Config } from '@muster/core';
import { type Answerer, createAnswerer } from './answerer.js';
import type { WorkerPorts } from './worker-ports.js';

/** Lists backups for those who cannot reach them. */
export const createCatalogueAnswerer = (
  { catalogue, catalogues, logger }: Pick<WorkerPorts, 'catalogue' | 'catalogues' | 'logger'>,
  pool: string,
  configOf: (digest: string) => Promise<Config | undefined>,
): Answerer =>
  createAnswerer(
    { what: 'a list of the backups of a source', logger },
    () => catalogues.next(pool),
    async (asked, signal) => {
      const config = await configOf(asked.task.config_sha256);
      const source = config?.sources.find(({ slug }) => slug === asked.task.source);
      if (source !== undefined) await catalogues.tell(asked, await catalogue(source, signal));
    },
  );
