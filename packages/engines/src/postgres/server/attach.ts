import { MusterError } from '@muster/core';
import type { Server } from '../../engine.js';
import { ask } from './ask.js';
import { maintenanceDatabase } from './session.js';

/**
 * The server of a scratch that another process holds, reached through its socket: to ask it, and nothing else. If it
 * ends meanwhile, the answer is `server_lost`.
 */
export function attachPostgres(kept: {
  readonly socketDir: string;
  /** The server's own word, e.g. `17.6`. */
  readonly serverVersion: string;
}): Pick<Server, 'ask'> {
  const major = Number.parseInt(kept.serverVersion, 10);
  const { signal: lost } = new AbortController();
  return {
    ask: async (check, options, signal) => {
      const { question } = check;
      if (question.kind !== 'postgres') {
        throw new MusterError('internal', 'A question for MongoDB was put to PostgreSQL.');
      }
      const database = maintenanceDatabase(options.database);
      const target = { host: kept.socketDir, major, maintenanceDatabase: database, lost };
      return await ask(target, { question, readOnly: check.readOnly }, options, signal);
    },
  };
}
