import { MusterError, orAborted } from '@muster/core';
import type { MongoClient } from 'mongodb';
import type { LiveFacts } from '../../live/live-dumper.js';
import { tlsFaultOf } from '../../live/tls-fault.js';
import { majorOf } from '../mongo-facts.js';
import { closeClient } from '../server/client.js';
import { isServerError } from '../server/driver.js';
import { databaseOf, liveClient } from './connection-uri.js';

/** Unauthorized, AuthenticationFailed, and what Atlas says for both. */
const REFUSALS = new Set<unknown>([13, 18, 8000]);

/** What the source shall give up by itself, should a question of ours take so long. */
const ANSWER_MS = 20_000;

/** Snapshot reads outside of transactions came with MongoDB 5.0. */
const SNAPSHOT_WIRE_VERSION = 13;

export interface MongoLiveFacts extends LiveFacts {
  /** A session can read all collections as they were at one moment: of a replica set or a sharded cluster. */
  readonly snapshots: boolean;
}

export const isMongoLiveFacts = (facts: LiveFacts): facts is MongoLiveFacts => 'snapshots' in facts;

/** {@link LiveDumper.survey} of MongoDB. */
export async function survey(text: string, signal: AbortSignal): Promise<MongoLiveFacts> {
  const uri = text.trim();
  const database = databaseOf(uri);
  const client = liveClient(uri);
  try {
    return await orAborted(ask(client, database), signal);
  } catch (error) {
    if (signal.aborted) throw new MusterError('cancelled', 'The look at the source was cancelled.');
    throw surveyError(error);
  } finally {
    await closeClient(client);
  }
}

async function ask(client: MongoClient, database: string | undefined): Promise<MongoLiveFacts> {
  const hello = await client.db('admin').command({ hello: 1 });
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  // Credentials are looked at by the first question that needs a right.
  const there =
    database === undefined
      ? await client.db('admin').admin().listDatabases({ nameOnly: true, maxTimeMS: ANSWER_MS })
      : await client
          .db(database)
          .listCollections({}, { nameOnly: true, authorizedCollections: true, maxTimeMS: ANSWER_MS })
          .hasNext();
  if (there === false) {
    throw new MusterError(
      'unknown_database',
      'The source has no database of the name that the connection URI gives, or none of its collections may be read.',
    );
  }
  const serverVersion = String(version);
  return {
    major: majorOf(serverVersion),
    serverVersion,
    ...(database === undefined ? {} : { database }),
    format: 'archive',
    snapshots:
      (hello['setName'] !== undefined || hello['msg'] === 'isdbgrid') &&
      Number(hello['maxWireVersion']) >= SNAPSHOT_WIRE_VERSION,
  };
}

/** What a refusal means. Neither the URI nor the server's words, which may quote it, get into the message. */
export function surveyError(error: unknown): MusterError {
  if (error instanceof MusterError) return error;
  const code = isServerError(error) ? error.code : undefined;
  if (REFUSALS.has(code)) {
    return new MusterError(
      'credentials_refused',
      `The source refused the credentials (code ${code}). Look at the user, password and authSource in the connection URI, and whether the user may read: the role read of the database is enough, readAnyDatabase where the URI names none.`,
    );
  }
  const tls = tlsFaultOf(error);
  if (tls !== undefined) {
    return new MusterError(
      'tls_refused',
      `The source cannot be spoken to with the TLS that the connection URI asks for (${tls}). Look at its tlsCAFile and tlsCertificateKeyFile, for whom and by whom the certificate of the server was made, and whether the server speaks TLS at all.`,
    );
  }
  return new MusterError(
    'source_unreachable',
    `The source did not answer${code === undefined ? '' : ` (code ${code})`}. Look at the hosts, ports and TLS settings in the connection URI, and whether the server runs.`,
  );
}
