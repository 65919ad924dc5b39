import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import type { DrillIndex } from './drill-index.js';
import { indexFault } from './index-fault.js';
import { openIndex } from './kysely-index.js';
import type { Tables } from './tables.js';

/**
 * The index in a directory of this process (PGlite), made where it is not there. Only one process may have it open, and
 * it has one connection: who reads during a rebuild waits until it has ended. @throws `index_unavailable`.
 */
export async function openEmbeddedIndex(directory: string, signal: AbortSignal): Promise<DrillIndex> {
  signal.throwIfAborted();
  const pglite = await create(directory);
  return openIndex(new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) }), directory, signal);
}

async function create(directory: string): Promise<PGlite> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return await PGlite.create(directory);
  } catch (error) {
    throw indexFault(error, directory);
  }
}
