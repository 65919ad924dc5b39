import { Readable } from 'node:stream';
import { isMusterError, type MusterError } from '@muster/core';
import type { ClientSession, MongoClient } from 'mongodb';
import { dumpFailed } from '../../live/tool-dump.js';
import { type HeldMoment, heldMoment } from '../fidelity/held-moment.js';
import { closeClient } from '../server/client.js';
import { isServerError } from '../server/driver.js';
import { liveClient } from './connection-uri.js';
import { bytesOf, collectionsOf } from './live-collections.js';
import { rightsMissing } from './rights-missing.js';
import { writeArchive } from './write-archive.js';

/** Of one answer: enough to keep a source busy, and little to hold. */
const BATCH_DOCUMENTS = 1000;
const UNAUTHORIZED = 13;
/** SnapshotUnavailable, SnapshotTooOld. */
const SNAPSHOT_GONE = new Set<unknown>([246, 239]);

export interface DriverDump {
  readonly uri: string;
  readonly serverVersion: string;
  /** Absent = every database that may be read. */
  readonly database?: string;
  /** Read all collections as they were at one moment. */
  readonly snapshot: boolean;
  /** Of a moment that is held: it is read by the client that holds it, which is left open. */
  readonly held?: string | undefined;
}

/**
 * The dump as an archive of mongodump, with nothing but reads. Databases of the server itself, users and roles are left
 * out. Where the source fails the stream is destroyed with `dump_failed`.
 */
export function driverDump(asked: DriverDump, signal: AbortSignal): Readable {
  const held = asked.held === undefined ? undefined : heldMoment(asked.held);
  const client = held?.client ?? liveClient(asked.uri);
  const close = () => void (held === undefined && closeClient(client));
  const stream = Readable.from(dump(client, asked, held), { objectMode: false, highWaterMark: 1024 * 1024 });
  const stop = () => {
    stream.destroy(signal.reason);
    // The stream is closed only when a read that is under way has ended, which a silent source would never do.
    close();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  stream.once('close', () => {
    signal.removeEventListener('abort', stop);
    close();
  });
  return stream;
}

async function* dump(
  client: MongoClient,
  asked: DriverDump,
  held: HeldMoment | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    const collections = held?.collections ?? (await collectionsOf(client, asked.database));
    const session = held?.session ?? (asked.snapshot ? client.startSession({ snapshot: true }) : undefined);
    yield* writeArchive(asked.serverVersion, collections, ({ database, dataName }) =>
      documentsOf(client, database, dataName, session),
    );
  } catch (error) {
    throw isMusterError(error) ? error : sourceFailed(error);
  }
}

/** The driver's words may quote the URI or data: they go to the diagnosis file alone. */
function sourceFailed(cause: unknown): MusterError {
  const code = isServerError(cause) ? cause.code : undefined;
  if (code === UNAUTHORIZED) return rightsMissing({ cause });
  const why = SNAPSHOT_GONE.has(code)
    ? 'it took longer than the source keeps its snapshots (minSnapshotHistoryWindowInSeconds)'
    : `the source stopped answering${code === undefined ? '' : ` (code ${code})`}`;
  return dumpFailed(why, { cause });
}

async function* documentsOf(
  client: MongoClient,
  database: string,
  name: string,
  session: ClientSession | undefined,
): AsyncGenerator<Uint8Array> {
  const options = { raw: true, batchSize: BATCH_DOCUMENTS, ...(session !== undefined && { session }) };
  yield* bytesOf(client.db(database).collection(name).find({}, options));
}
