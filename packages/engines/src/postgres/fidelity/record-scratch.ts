import { type FidelityManifest, MusterError, type NotCompared } from '@muster/core';
import type pg from 'pg';
import type { FidelityAsked } from '../../engine.js';
import { withSession } from '../server/session.js';
import type { RunningServer } from '../server/start.js';
import { DEFINITIONS } from './objects.js';
import { type Reader, readerOf } from './reader.js';
import { readBefore, recordDatabase } from './record.js';
import { beginReading } from './settings.js';

/** Tables that are read at once. */
const SESSIONS = 3;

/** {@link Server.recordFidelity} of PostgreSQL. */
export async function recordScratch(
  server: RunningServer,
  databases: readonly string[],
  asked: FidelityAsked,
  signal: AbortSignal,
): Promise<FidelityManifest> {
  const { major } = server.installation;
  const deadline = performance.now() + asked.budgetMs;
  const recorded: FidelityManifest['databases'] = [];
  const unavailable: NotCompared[] = [];
  for (const database of databases) {
    const one = await recordOne(server, database, { ...asked, deadline, major }, signal).catch(
      () => undefined,
    );
    if (signal.aborted) throw new MusterError('cancelled', 'The reading of the scratch was cancelled.');
    if (one === undefined) unavailable.push({ what: database.slice(0, 300), reason: 'failed' });
    else {
      recorded.push(...one.databases);
      unavailable.push(...one.unavailable);
    }
  }
  const what = { version: 1, major, definitions: DEFINITIONS } as const;
  return { level: asked.level, ...what, databases: recorded, unavailable };
}

const recordOne = (
  server: RunningServer,
  database: string,
  asked: FidelityAsked & { readonly deadline: number; readonly major: number },
  signal: AbortSignal,
): Promise<FidelityManifest> =>
  withReaders(server, database, asked, signal, SESSIONS, async ([first, ...more]) => {
    const before = await readBefore(first);
    // Nobody else is there.
    return await recordDatabase([first, ...more], asked, before, async () => ({
      values: before.values,
      moved: { rows: [] },
    }));
  });

async function withReaders<T>(
  server: RunningServer,
  database: string,
  asked: { readonly deadline: number; readonly major: number },
  signal: AbortSignal,
  count: number,
  work: (readers: readonly [Reader, ...Reader[]]) => Promise<T>,
): Promise<T> {
  const open = async (client: pg.Client): Promise<Reader> => {
    await beginReading(client);
    return readerOf(client, asked.major, asked.deadline);
  };
  const nest = (readers: readonly Reader[]): Promise<T> =>
    withSession(server, database, signal, async (client) => {
      const [first = await open(client), ...others] = readers;
      const all =
        readers.length === 0 ? ([first] as const) : ([first, ...others, await open(client)] as const);
      return all.length < count ? await nest(all) : await work(all);
    });
  return await nest([]);
}
