import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient, MongoClientOptions } from 'mongodb';
import { driver, isServerError } from './driver.js';

/** The port in the name of the server's unix socket. */
export const PORT = 27017;
export const SOCKET = `mongodb-${PORT}.sock`;

/** How long a server in a scratch may take to let a connection in. */
const CONNECT_MS = 10_000;
/** How long it may take to end our sessions before its connections are left to the scratch. */
const GOODBYE_MS = 2_000;

/** Numbers keep their BSON types and all digits, bytes and patterns stay what they were. */
const BSON_OPTIONS = {
  promoteLongs: false,
  promoteValues: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

/** A client of the server behind this socket. Nothing is retried: a scratch that fails once has failed. */
export function clientAt(socketDir: string, options: MongoClientOptions = {}): MongoClient {
  return new (driver().MongoClient)(`mongodb://${encodeURIComponent(`${socketDir}/${SOCKET}`)}/`, {
    directConnection: true,
    appName: 'muster',
    retryReads: false,
    retryWrites: false,
    connectTimeoutMS: CONNECT_MS,
    serverSelectionTimeoutMS: CONNECT_MS,
    // One hello, and no watching of a server that ends with its scratch.
    heartbeatFrequencyMS: 10 * 60_000,
    serverMonitoringMode: 'poll',
    ...BSON_OPTIONS,
    ...options,
  });
}

/** A client of a server that is no scratch's: its URI says everything. */
export const clientOfUri = (uri: string, options: MongoClientOptions = {}): MongoClient =>
  new (driver().MongoClient)(uri, { appName: 'muster restore', ...BSON_OPTIONS, ...options });

/** A client of the server that questions are put to. */
export const clientOf = (
  { socketDir, uri }: { readonly socketDir: string; readonly uri?: string },
  options: MongoClientOptions = {},
): MongoClient => (uri === undefined ? clientAt(socketDir, options) : clientOfUri(uri, options));

/** Ends a client's connections at once, whatever they do; the server gets a moment to end its sessions. */
export async function closeClient(client: MongoClient): Promise<void> {
  const timer = new AbortController();
  try {
    await Promise.race([
      client.close(true).catch(() => undefined),
      sleep(GOODBYE_MS, undefined, { signal: timer.signal }),
    ]);
  } finally {
    timer.abort();
  }
}

/** The code of a server's refusal: an `Int32` where values are not promoted. */
export function codeOf(error: unknown): number | undefined {
  if (!isServerError(error) || error.code === undefined) return undefined;
  return Number(String(error.code));
}
