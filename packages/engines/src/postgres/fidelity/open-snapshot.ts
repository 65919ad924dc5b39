import { type FidelityManifest, MusterError } from '@muster/core';
import type pg from 'pg';
import type { FidelityAsked } from '../../engine.js';
import type { LiveFacts, SourceSnapshot } from '../../live/live-dumper.js';
import { type ConnectionUri, parseConnectionUri } from '../live/connection-uri.js';
import { surveyError } from '../live/live-survey.js';
import { withSource } from '../live/reach-source.js';
import { readerOf } from './reader.js';
import { type Before, readBefore, recordDatabase } from './record.js';
import { sequenceValues } from './sequences.js';
import { beginReading } from './settings.js';
import { movedTables } from './tables.js';

/** How long what a dump must wait for may take at the source. */
const OPENING_MS = 60_000;
/** What is still read when the dump is over. */
const CLOSING_MS = 30_000;
/** No dump takes longer: a session that nobody closed is not held for ever. */
const HOLD_MS = 7 * 24 * 60 * 60 * 1000;

/** One reading process of ours is enough of a burden for a source. */
const GENTLY = { max_parallel_workers_per_gather: '0' } as const;

/** {@link LiveDumper.openSnapshot} of PostgreSQL. */
export async function openSnapshot(
  text: string,
  facts: LiveFacts,
  signal: AbortSignal,
): Promise<SourceSnapshot> {
  const named = parseConnectionUri(text);
  const uri = facts.database === undefined ? named : { ...named, database: facts.database };
  let last: unknown;
  for (const host of uri.hosts) {
    try {
      return await openAt(uri, host, facts, signal);
    } catch (error) {
      if (signal.aborted) throw cancelled();
      last = error;
    }
  }
  throw surveyError(last, uri, facts.database);
}

/** {@link LiveDumper.recordQuiet} of PostgreSQL. */
export async function recordQuiet(
  text: string,
  facts: LiveFacts,
  asked: FidelityAsked,
  signal: AbortSignal,
): Promise<FidelityManifest> {
  const snapshot = await openSnapshot(text, facts, signal);
  try {
    return await snapshot.record(asked, Promise.resolve(), signal);
  } finally {
    await snapshot.close();
  }
}

const cancelled = () => new MusterError('cancelled', 'The reading of the source was cancelled.');

/** The session lives in \`withSource\` until the snapshot is closed, which ends it on every path. */
function openAt(
  uri: ConnectionUri,
  host: ConnectionUri['hosts'][number],
  { major }: LiveFacts,
  signal: AbortSignal,
): Promise<SourceSnapshot> {
  const opened = Promise.withResolvers<SourceSnapshot>();
  const over = new AbortController();
  const held = withSource(
    uri,
    host,
    signal,
    async (client) => {
      const ended = Promise.withResolvers<void>();
      over.signal.addEventListener('abort', () => ended.resolve(), { once: true });
      client.once('end', () => ended.resolve());
      const { id, before } = await begin(client, major);
      opened.resolve({
        id,
        record: (asked, dumped, stop) => record(client, major, before, asked, dumped, stop),
        close: async () => {
          over.abort();
          await held.catch(() => undefined);
        },
      });
      await ended.promise;
    },
    HOLD_MS,
  );
  held.catch(opened.reject);
  return opened.promise;
}

async function begin(
  client: pg.Client,
  major: number,
): Promise<{ readonly id: string; readonly before: Before }> {
  await beginReading(client, GENTLY);
  const { rows } = await client.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
  const [row] = rows;
  if (row === undefined) throw new Error('the server answered nothing');
  const reader = readerOf(client, major, performance.now() + OPENING_MS);
  return { id: row.id, before: await readBefore(reader) };
}

async function record(
  client: pg.Client,
  major: number,
  before: Before,
  asked: FidelityAsked,
  dumped: Promise<unknown>,
  signal: AbortSignal,
) {
  const reader = readerOf(client, major, performance.now() + asked.budgetMs);
  const manifest = await recordDatabase([reader], asked, before, async () => {
    await dumped.catch(() => undefined);
    const late = readerOf(client, major, performance.now() + CLOSING_MS);
    return { moved: await movedTables(late), values: await sequenceValues(late, before.sequences) };
  });
  if (signal.aborted) throw cancelled();
  return manifest;
}
