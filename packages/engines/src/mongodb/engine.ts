import { MusterError } from '@muster/core';
import type { BackupFacts, Engine, Server } from '../engine.js';
import { shellQuote } from '../shell-quote.js';
import { admit } from './admit.js';
import { recordScratch } from './fidelity/record-scratch.js';
import { fitOf } from './fit-of.js';
import { examine } from './format/examine.js';
import { identify } from './format/identify.js';
import { isDirectoryDump, isOneDatabase } from './format/is-directory-dump.js';
import { isMongoFacts, type MongoFacts } from './mongo-facts.js';
import { PROBE } from './probe.js';
import { restore } from './restore/restore.js';
import { ask } from './server/ask.js';
import { SOCKET } from './server/client.js';
import type { RunningMongod } from './server/mongod.js';
import { startMongod } from './server/start.js';

/** MongoDB: what mongodump writes, as an archive or a directory. */
export const mongodbEngine: Engine = {
  kind: 'mongodb',
  probe: PROBE,
  isDirectoryDump,
  isOneDatabase,
  isGlobalsName: () => false,
  identify,
  admit: (facts, base) => ({ user: admit(facts, base).user }),
  fitOf,
  start: async (scratch, base, facts, signal) =>
    serverOf(await startMongod(scratch, admit(facts, base).installation, signal)),
  examine: (artefact, facts, options, signal) => examine(artefact, ownFacts(facts), options, signal),
};

function serverOf(server: RunningMongod): Server {
  const { scratch, substitute, version, lost } = server;
  return {
    version,
    ...(substitute === undefined ? {} : { substitute }),
    restore: (artefact, options, signal) => restore(server, artefact, options, signal),
    ask: async ({ question, ...check }, options, signal) => {
      if (question.kind !== 'mongodb')
        throw new MusterError('internal', 'A question for PostgreSQL was put to MongoDB.');
      const target = { socketDir: scratch.socketDir, major: Number.parseInt(version, 10), lost };
      const answer = await ask(target, { ...check, question }, options, signal);
      if (answer.kind === 'query_failed')
        options.onOutput(`mongod: code ${answer.code ?? 'none'}: ${answer.message}\n`);
      return answer;
    },
    recordFidelity: (databases, asked, signal) => recordScratch(server, databases, asked, signal),
    connectCommand: (database) =>
      `mongosh ${shellQuote(`mongodb://${encodeURIComponent(`${scratch.socketDir}/${SOCKET}`)}/${encodeURIComponent(database)}`)}`,
  };
}

function ownFacts(facts: BackupFacts): MongoFacts {
  if (isMongoFacts(facts)) return facts;
  throw new MusterError('internal', 'The backup was identified by another engine.');
}
