import { orAborted } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import type { MongoClient } from 'mongodb';
import type { Installation } from '../probe.js';
import { clientAt, closeClient } from './client.js';

/** A server that accepts connections. It ends with its scratch. */
export interface RunningMongod {
  readonly scratch: Scratch;
  readonly installation: Installation;
  /** The server's own word, e.g. `8.0.4`. */
  readonly version: string;
  /** What the server truly is, where it stands in for MongoDB: `FerretDB 2.7.0`. */
  readonly substitute?: string;
  /** Aborts when the server or its scratch has ended. */
  readonly lost: AbortSignal;
}

/**
 * Runs `work` with a client of the server, whose connections are ended on every path, and at once when `signal` aborts
 * or the server is lost: then it rejects with the signal's reason, whatever `work` still waits for. Values keep their
 * BSON types (`Long`, `Int32`, `Double`, `Binary`): nothing is promoted to a JavaScript number.
 */
export async function withClient<T>(
  server: Pick<RunningMongod, 'scratch' | 'lost'>,
  signal: AbortSignal,
  work: (client: MongoClient) => Promise<T>,
): Promise<T> {
  const stop = AbortSignal.any([signal, server.lost]);
  stop.throwIfAborted();
  const client = clientAt(server.scratch.socketDir);
  try {
    return await orAborted(work(client), stop);
  } finally {
    await closeClient(client);
  }
}
