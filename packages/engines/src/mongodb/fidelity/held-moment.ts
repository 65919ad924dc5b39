import { randomUUID } from 'node:crypto';
import { type FidelityManifest, MusterError, orAborted } from '@muster/core';
import type { ClientSession, MongoClient } from 'mongodb';
import type { FidelityAsked } from '../../engine.js';
import type { LiveFacts, SourceSnapshot } from '../../live/live-dumper.js';
import { liveClient } from '../live/connection-uri.js';
import { collectionsOf } from '../live/live-collections.js';
import { isMongoLiveFacts, surveyError } from '../live/live-survey.js';
import type { LiveCollection } from '../live/write-archive.js';
import { closeClient } from '../server/client.js';
import { recordCollections } from './record.js';

/** A session that reads all at one moment. It is of one client, and what reads by it reads by that client. */
export interface HeldMoment {
  readonly client: MongoClient;
  readonly session: ClientSession;
  /** Listed once: no moment shows which there are. */
  readonly collections: readonly LiveCollection[];
}

const HELD = new Map<string, HeldMoment>();

/** @throws `internal_error` where it is not held any more. */
export function heldMoment(id: string): HeldMoment {
  const held = HELD.get(id);
  if (held === undefined)
    throw new MusterError('internal_error', 'The moment of the source is held no more.');
  return held;
}

/** {@link LiveDumper.openSnapshot} of MongoDB: of replica sets and sharded clusters. */
export async function openSnapshot(
  text: string,
  facts: LiveFacts,
  signal: AbortSignal,
): Promise<SourceSnapshot | undefined> {
  if (!isMongoLiveFacts(facts) || !facts.snapshots) return undefined;
  const client = liveClient(text.trim());
  try {
    const held = await orAborted(hold(client, facts), signal);
    if (held === undefined) {
      await closeClient(client);
      return undefined;
    }
    const id = randomUUID();
    HELD.set(id, held);
    return {
      id,
      record: async (asked, _dumped, stop) => {
        const recording = recordCollections({ ...held, major: facts.major }, asked);
        return await orAborted(recording, stop).catch((error: unknown) => {
          throw stop.aborted ? cancelled() : error;
        });
      },
      close: async () => {
        HELD.delete(id);
        await closeClient(client);
      },
    };
  } catch (error) {
    await closeClient(client);
    throw signal.aborted ? cancelled() : surveyError(error);
  }
}

/** {@link LiveDumper.recordQuiet} of MongoDB. */
export async function recordQuiet(
  text: string,
  facts: LiveFacts,
  asked: FidelityAsked,
  signal: AbortSignal,
): Promise<FidelityManifest> {
  const client = liveClient(text.trim());
  const record = async () => {
    const collections = await collectionsOf(client, facts.database);
    return await recordCollections({ client, collections, major: facts.major }, asked);
  };
  try {
    return await orAborted(record(), signal);
  } catch (error) {
    throw signal.aborted ? cancelled() : surveyError(error);
  } finally {
    await closeClient(client);
  }
}

const cancelled = () => new MusterError('cancelled', 'The reading of the source was cancelled.');

/** Undefined where the server tells no moment: each read would be of another. */
async function hold(client: MongoClient, { database }: LiveFacts): Promise<HeldMoment | undefined> {
  const session = client.startSession({ snapshot: true });
  const collections = await collectionsOf(client, database);
  const [first] = collections.filter(({ type }) => type !== 'view');
  // Its first read fixes the moment; two at once would fix one each.
  if (first !== undefined)
    await client
      .db(first.database)
      .collection(first.dataName)
      .findOne({}, { session, projection: { _id: 1 } });
  return first === undefined || isFixed(session) ? { client, session, collections } : undefined;
}

/** The driver keeps there what the first answer told (`atClusterTime`), and has each read of the session be of that time. */
const isFixed = (session: ClientSession): boolean =>
  'snapshotTime' in session && session.snapshotTime !== undefined && session.snapshotTime !== null;
