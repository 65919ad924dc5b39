import { availableParallelism } from 'node:os';
import { MusterError } from '@muster/core';
import type { Base, Scratch } from '@muster/scratch';
import type { BackupFacts, Engine, Server } from '../engine.js';
import { shellQuote } from '../shell-quote.js';
import { admit, nameOf } from './admit.js';
import { recordScratch } from './fidelity/record-scratch.js';
import { fitOf } from './fit-of.js';
import { examine } from './format/examine.js';
import { isGlobalsName } from './format/globals-name.js';
import { identify } from './format/identify.js';
import { isDirectoryDump } from './format/is-directory-dump.js';
import { admitPgbackrest, requirePgbackrest } from './pgbackrest/admit-pgbackrest.js';
import { examineSet } from './pgbackrest/examine-set.js';
import { isPgbackrestFacts } from './pgbackrest/pgbackrest-facts.js';
import { pgbackrestServer } from './pgbackrest/pgbackrest-server.js';
import { isPostgresFacts, type PostgresFacts } from './postgres-facts.js';
import { type Installation, PROBE, parseProbe } from './probe.js';
import { archiveSettings } from './rehearse/stanza.js';
import { restore } from './restore/restore.js';
import { ask } from './server/ask.js';
import { conninfo, conninfoValue, maintenanceDatabase } from './server/session.js';
import { type RunningServer, startServer } from './server/start.js';

/** PostgreSQL: what pg_dump writes, in each of its formats, and the backup sets of pgBackRest. */
export const postgresEngine: Engine = {
  kind: 'postgres',
  probe: PROBE,
  isDirectoryDump,
  isOneDatabase: () => false,
  isGlobalsName,
  identify,
  admit: (facts, base) => ({ user: admitAny(facts, base).user }),
  fitOf,
  start: async (scratch, base, facts, signal, archives) => {
    const { installation } = admitAny(facts, base);
    if (isPgbackrestFacts(facts)) {
      const { restore, running } = pgbackrestServer(scratch, installation);
      return { version: installation.version, restore, ...questionsTo(scratch, installation, running) };
    }
    const cpus = scratch.limits.cpus ?? availableParallelism();
    if (archives !== undefined) requirePgbackrest(parseProbe(base.facts), nameOf(base));
    const more = archives && archiveSettings(scratch, archives);
    const server = await startServer(scratch, installation, cpus, signal, more);
    return {
      version: server.version,
      restore: (artefact, options, stop) =>
        restore(server, artefact, options, (late) => requireFit(late, base, installation.major), stop),
      ...questionsTo(scratch, installation, () => server),
    };
  },
  examine: (artefact, facts, options, signal) =>
    artefact.form === 'repository' && isPgbackrestFacts(facts)
      ? examineSet(artefact, facts, signal)
      : examine(artefact, ownFacts(facts), options, signal),
};

const admitAny = (facts: BackupFacts, base: Base) =>
  isPgbackrestFacts(facts) ? admitPgbackrest(facts, base) : admit(facts, base);

/** @param running - the server, once it is restored. */
function questionsTo(
  scratch: Scratch,
  { major }: Installation,
  running: () => RunningServer,
): Pick<Server, 'ask' | 'recordFidelity' | 'connectCommand'> {
  return {
    ask: async (check, options, signal) => {
      const { question } = check;
      if (question.kind !== 'postgres') {
        throw new MusterError('internal', 'A question for MongoDB was put to PostgreSQL.');
      }
      const { log, lost } = running();
      const target = {
        host: scratch.socketDir,
        major,
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
    recordFidelity: (databases, asked, signal) => recordScratch(running(), databases, asked, signal),
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
