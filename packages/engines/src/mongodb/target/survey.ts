import { MusterError, orAborted } from '@muster/core';
import type { Db, MongoClient } from 'mongodb';
import { tlsFaultOf } from '../../live/tls-fault.js';
import type { TargetSurvey } from '../../target/target.js';
import { databaseOf } from '../live/connection-uri.js';
import { majorOf } from '../mongo-facts.js';
import { clientOfUri, closeClient } from '../server/client.js';

/** A collection of ours, there until a restore is whole. */
export const MARKER = 'muster_restore';

/** How long a target may take to let us in and answer. */
const ANSWER_MS = 30_000;

export interface MongoSurvey extends TargetSurvey {
  /** What the server truly is, where it stands in for MongoDB. */
  readonly substitute?: string;
  readonly isMongo: true;
}

export function isOf(survey: TargetSurvey): MongoSurvey {
  if ('isMongo' in survey) return survey as MongoSurvey;
  throw new MusterError('internal', 'The target was surveyed by another engine.');
}

/** {@link TargetDriver.survey} of MongoDB. */
export async function surveyMongo(text: string, signal: AbortSignal): Promise<MongoSurvey> {
  const uri = text.trim();
  const name = databaseOf(uri);
  if (name === undefined)
    throw new MusterError('usage', 'The URI of --into names no database: mongodb://host/DATABASE.');
  if (['admin', 'config', 'local'].includes(name))
    throw new MusterError('usage', `Nothing is restored into ${name}: it is the server's own.`);
  const client = openClient(uri);
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    return await orAborted(look(client, name, placeOf(uri)), limit);
  } catch (error) {
    if (signal.aborted) throw new MusterError('cancelled', 'The look at the target was cancelled.');
    throw surveyError(error);
  } finally {
    await closeClient(client);
  }
}

function openClient(uri: string): MongoClient {
  try {
    return clientOfUri(uri, { promoteValues: true, promoteLongs: true });
  } catch {
    // The driver's own words may quote the URI.
    throw new MusterError('secret_unavailable', 'The connection URI of --into cannot be used.');
  }
}

const placeOf = (uri: string): string =>
  decodeURIComponent(/^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]*)/.exec(uri)?.[1] ?? '');

async function look(client: MongoClient, name: string, place: string): Promise<MongoSurvey> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 });
  const build = await admin.command({ buildInfo: 1 });
  const database = client.db(name);
  const collections = (await database.listCollections({}, { nameOnly: false }).toArray()).filter(
    (one) => one.name !== MARKER && !one.name.startsWith('system.'),
  );
  const counts = await Promise.all(
    collections
      .filter((one) => one.type !== 'view')
      .map((one) => database.collection(one.name).estimatedDocumentCount()),
  );
  const marker = await database.collection<{ backup: string }>(MARKER).findOne({});
  const left = marker && { where: name, state: 'restoring' as const, backup: String(marker.backup) };
  const version = String(build['version']);
  const substitute = 'ferretdb' in build ? 'FerretDB' : undefined;
  const isEmpty = collections.length === 0;
  return {
    isMongo: true,
    name,
    place,
    serverVersion: version,
    major: majorOf(version),
    exists: !isEmpty,
    isEmpty,
    tables: collections.length,
    rows: counts.reduce((sum, count) => sum + count, 0),
    bytes: await bytesOf(database),
    ...(hello['isWritablePrimary'] === false && { readOnly: 'it is a secondary' }),
    ...(left && { left }),
    ...(substitute !== undefined && { substitute }),
    fate: isEmpty
      ? 'Nothing is overwritten.'
      : 'It is dropped first: MongoDB gives no database another name. Dump it before if you may want it back.',
  };
}

async function bytesOf(database: Db): Promise<number> {
  const stats = await database.command({ dbStats: 1 }).catch(() => ({ dataSize: 0 }));
  return Math.round(Number(stats['dataSize'] ?? 0));
}

function surveyError(error: unknown): unknown {
  if (error instanceof MusterError) return error;
  const code = error instanceof Error && 'code' in error ? Number(error.code) : undefined;
  if (code === 13 || code === 18 || code === 8000)
    return new MusterError('credentials_refused', 'The target refused the credentials of the URI of --into.');
  const tls = tlsFaultOf(error);
  if (tls !== undefined)
    return new MusterError('tls_refused', `The target cannot be spoken to with the TLS asked for (${tls}).`);
  return new MusterError(
    'target_unreachable',
    'The target did not answer. Look at the host and port in the URI of --into, and whether the server runs. Nothing was changed.',
    { cause: error },
  );
}
