import { orAborted } from '@muster/core';
import type { LiveFacts, LiveMeasure } from '../../live/live-dumper.js';
import { closeClient } from '../server/client.js';
import { liveClient } from './connection-uri.js';

const MEASURING_MS = 5_000;

/** {@link LiveDumper.measure} of MongoDB. */
export async function measure(
  text: string,
  { database }: LiveFacts,
  signal: AbortSignal,
): Promise<LiveMeasure> {
  const client = liveClient(text.trim());
  try {
    const asking =
      database === undefined
        ? client.db('admin').command({ listDatabases: 1, maxTimeMS: MEASURING_MS })
        : client.db(database).command({ dbStats: 1, maxTimeMS: MEASURING_MS });
    const told = await orAborted(asking, signal);
    const bytes = Number(told[database === undefined ? 'totalSize' : 'dataSize']);
    return Number.isFinite(bytes) && bytes >= 0 ? { sizeBytes: Math.round(bytes) } : {};
  } finally {
    await closeClient(client);
  }
}
