import { type FidelityManifest, MusterError } from '@muster/core';
import type { FidelityAsked } from '../../engine.js';
import { collectionsIn } from '../live/live-collections.js';
import type { LiveCollection } from '../live/write-archive.js';
import { type RunningMongod, withClient } from '../server/mongod.js';
import { recordCollections } from './record.js';

/** {@link Server.recordFidelity} of MongoDB. */
export async function recordScratch(
  server: RunningMongod,
  databases: readonly string[],
  asked: FidelityAsked,
  signal: AbortSignal,
): Promise<FidelityManifest> {
  try {
    return await withClient(server, signal, async (client) => {
      const collections: LiveCollection[] = [];
      for (const database of databases) collections.push(...(await collectionsIn(client, database)));
      return await recordCollections({ client, collections, major: majorOf(server) }, asked);
    });
  } catch (error) {
    if (signal.aborted) throw new MusterError('cancelled', 'The reading of the scratch was cancelled.');
    if (error instanceof MusterError) throw error;
    const unavailable = [{ what: 'databases', reason: 'failed' as const }];
    return { level: asked.level, version: 1, major: majorOf(server), databases: [], unavailable };
  }
}

/** What stands in for a server keeps definitions in its own way: they are compared with nobody's. */
const majorOf = ({ version, substitute }: RunningMongod): number =>
  substitute === undefined ? Number.parseInt(version, 10) : 0;
