import { MusterError } from '@muster/core';
import type { Server } from '../../engine.js';
import { ask } from './ask.js';

/**
 * The server of a scratch that another process holds, reached through its socket: to ask it, and nothing else. If it
 * ends meanwhile, the answer is `server_lost`.
 */
export function attachMongo(kept: {
  readonly socketDir: string;
  /** The server's own word, e.g. `8.0.4`. */
  readonly serverVersion: string;
}): Pick<Server, 'ask'> {
  const target = {
    socketDir: kept.socketDir,
    major: Number.parseInt(kept.serverVersion, 10),
    lost: new AbortController().signal,
  };
  return {
    ask: async ({ question, ...check }, options, signal) => {
      if (question.kind !== 'mongodb')
        throw new MusterError('internal', 'A question for PostgreSQL was put to MongoDB.');
      return await ask(target, { ...check, question }, options, signal);
    },
  };
}
