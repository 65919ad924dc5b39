import { availableParallelism } from 'node:os';
import { MusterError } from '@muster/core';
import type { Base } from '@muster/scratch';
import type { BackupFacts, Engine, Server } from '../engine.js';
import { shellQuote } from '../shell-quote.js';
import { admit } from './admit.js';
import { examine } from './format/examine.js';
import { identify } from './format/identify.js';
import { isDirectoryDump } from './format/is-directory-dump.js';
import { isPostgresFacts, type PostgresFacts } from './postgres-facts.js';
import { PROBE } from './probe.js';
import { restore } from './restore/restore.js';
import { ask } from './server/ask.js';
import { conninfo, conninfoValue, maintenanceDatabase } from './server/session.js';
import { type RunningServer, startServer } from './server/start.js';

/** PostgreSQL: what pg_dump writes, in each of its formats. */
export const postgresEngine: Engine = {
  kind: 'postgres',
  probe: PROBE,
  isDirectoryDump,
  isOneDatabase: () => false,
  identify,
  admit: (facts, base) => ({ user: admit(facts, base).user }),
  start: async (scratch, base, facts, signal) => {
    const { installation } = admit(facts, base);
    const cpus = scratch.limits.cpus ?? availableParallelism();
    return serverOf(await startServer(scratch, installation, cpus, signal), base);
  },
  examine: (artefact, facts, options, signal) => examine(artefact, ownFacts(facts), options, signal),
};

function serverOf(server: RunningServer, base: Base): Server {
  const { scratch, installation, log, lost } = server;
  return {
    version: server.version,
    restore: (artefact, options, signal) =>
      restore(server, artefact, options, (facts) => requireFit(facts, base, installation.major), signal),
    ask: async (check, options, signal) => {
      const { question } = check;
      if (question.kind !== 'postgres') {
        throw new MusterError('internal', 'A question for MongoDB was put to PostgreSQL.');
      }
      const target = {
        host: scratch.socketDir,
        major: installation.major,
        maintenanceDatabase: maintenanceDatabase(options.database),
        lost,
      };
      const unlisten = log.listen({ onText: options.onOutput });
      try {
        return await ask(target, { question, readOnly: check.readOnly }, options, signal);
      } finally {
        unlisten();
      }
    },
    connectCommand: (database) =>
      `psql ${shellQuote(`host=${conninfoValue(scratch.socketDir)} user=postgres ${conninfo(database)}`)}`,
  };
}

/** What a live dump tells only once it flows. */
function requireFit(facts: PostgresFacts, base: Base, running: number): void {
  if (admit(facts, base).installation.major === running) return;
  throw new MusterError(
    'version_unavailable',
    `The dump that came needs PostgreSQL ${facts.major}, and the server that was started for it is ${running}.`,
  );
}

function ownFacts(facts: BackupFacts): PostgresFacts {
  if (isPostgresFacts(facts)) return facts;
  throw new MusterError('internal', 'The backup was identified by another engine.');
}
