import { MusterError, type RestoreWarning } from '@muster/core';
import pg from 'pg';
import type { Artefact, DumpArtefact } from '../../artefact.js';
import { hashing } from '../../bytes/counting.js';
import { feed } from '../../bytes/feed.js';
import type { RestoreOptions, RestoreReport } from '../../engine.js';
import { scratchLoss } from '../../restore/scratch-loss.js';
import { factsOfToc, peekToc } from '../format/identify.js';
import { databasePropertiesOf, rolesOf } from '../format/roles.js';
import type { Toc } from '../format/toc.js';
import { GLOBALS_FOOTER } from '../plain/footer.js';
import { globalsRule } from '../plain/globals-rule.js';
import { plainFilter } from '../plain/plain-filter.js';
import { isPostgresFacts, type PostgresFacts } from '../postgres-facts.js';
import { RAN_OUT } from '../server/ran-out.js';
import { conninfo, isRefusal, withSession } from '../server/session.js';
import type { RunningServer } from '../server/start.js';
import { archiveInput } from './archive-input.js';
import { makeDatabase, makeRoles } from './make-database.js';
import { runTool, type ToolRun } from './restore-tool.js';
import { runPsql } from './run-psql.js';

/** Archives smaller than this restore as fast with one process. */
const PARALLEL_FROM_BYTES = 1024 * 1024;

/** Restores a backup into the server. @throws what {@link Server.restore} says. */
export async function restore(
  server: RunningServer,
  artefact: Artefact,
  options: RestoreOptions,
  /** Holds facts that are known only now against the server. @throws what {@link Engine.admit} does. */
  admitLate: (facts: PostgresFacts) => void,
  signal: AbortSignal,
): Promise<RestoreReport> {
  try {
    if (artefact.form === 'stream') return await restoreStream(server, artefact, options, admitLate, signal);
    const { facts } = options;
    if (!isPostgresFacts(facts) || artefact.form === 'repository')
      throw new MusterError('internal', 'The backup was identified by another engine.');
    if (facts.globals) return await restoreGlobals(server, artefact, facts, options, signal);
    if (facts.toc === undefined) return await restorePlain(server, artefact, facts, options, signal);
    return await restoreArchive(server, artefact, facts, facts.toc, options, signal);
  } catch (error) {
    throw await ownError(server, error, signal);
  }
}

async function restorePlain(
  server: RunningServer,
  artefact: DumpArtefact,
  facts: PostgresFacts,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const database = facts.databases[0] ?? options.fallbackDatabase;
  await makeDatabase(server, database, facts.shape, signal);
  const filter = plainFilter({
    ...(facts.databases[0] === undefined ? {} : { database }),
    onRoles: (names) =>
      withSession(server, database, signal, (client) => makeRoles(client, names)).catch((error: unknown) => {
        // What the dump has forbidden us is its own fault, and seen as such when it has ended.
        if (!isRefusal(error)) throw error;
      }),
  });
  const run = await runPsql(server, { database, artefact, facts, filter }, options, signal);
  return { databases: [database], ...run };
}

/** Roles and the like, which lie beside dumps: no database of their own. */
async function restoreGlobals(
  server: RunningServer,
  artefact: DumpArtefact,
  facts: PostgresFacts,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const filter = plainFilter({ footer: GLOBALS_FOOTER, rule: globalsRule(), onRoles: async () => undefined });
  const run = await runPsql(server, { database: 'postgres', artefact, facts, filter }, options, signal);
  return { databases: [], ...run };
}

async function restoreArchive(
  server: RunningServer,
  artefact: DumpArtefact,
  facts: PostgresFacts,
  toc: Toc,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  if (facts.wrapper === 'none' && artefact.form !== 'directory') requireLength(toc, artefact.sizeBytes);
  await prepareDatabase(server, facts, toc, signal);
  const stop = new AbortController();
  const input = await archiveInput(server.scratch, artefact, facts, {
    onProgress: options.onProgress,
    onFault: () => stop.abort(),
    signal,
  });
  const seekable = input.path !== undefined && facts.container !== 'tar';
  const jobs = seekable && artefact.sizeBytes >= PARALLEL_FROM_BYTES ? options.jobs : 1;
  const warnings = await restoreInto(server, facts, toc, signal, {
    args: [...(jobs > 1 ? [`--jobs=${jobs}`] : []), ...(input.path === undefined ? [] : [input.path])],
    ...(input.feed === undefined ? {} : { feed: input.feed }),
    ...(input.tell === undefined ? {} : { onRead: input.tell }),
    onOutput: options.onOutput,
    stop: stop.signal,
  });
  options.onProgress({ bytes: artefact.sizeBytes, totalBytes: artefact.sizeBytes });
  return { databases: [toc.database], bytes: artefact.sizeBytes, objects: toc.entries.length, warnings };
}

/** A custom archive says where its data begins, so one that was cut is known before anything is restored. */
export function requireLength(toc: Toc, sizeBytes: number): void {
  const reaches = toc.entries.every(({ data }) => data?.state !== 'set' || data.offset < sizeBytes);
  if (reaches) return;
  throw new MusterError(
    'truncated',
    'The backup ends before data that its own table of contents names. Look at how it was copied, or take another.',
  );
}

async function restoreStream(
  server: RunningServer,
  artefact: Extract<Artefact, { form: 'stream' }>,
  options: RestoreOptions,
  admitLate: (facts: PostgresFacts) => void,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const end = new AbortController();
  const hash = hashing(artefact.open(AbortSignal.any([signal, end.signal])), (bytes) =>
    options.onProgress({ bytes }),
  );
  try {
    const { toc, stream } = await peekToc(hash.stream, signal);
    const facts = factsOfToc(toc);
    admitLate(facts);
    await prepareDatabase(server, facts, toc, signal);
    const stop = new AbortController();
    const warnings = await restoreInto(server, facts, toc, signal, {
      args: [],
      feed: feed(stream, { onFault: () => stop.abort() }),
      drain: true,
      onOutput: options.onOutput,
      stop: stop.signal,
    });
    const examined = hash.result();
    return {
      databases: [toc.database],
      bytes: examined.sizeBytes,
      objects: toc.entries.length,
      warnings,
      examined,
      facts,
    };
  } finally {
    hash.stream.destroy();
    end.abort();
  }
}

/** Everything that an archive expects to be there before it is restored. */
async function prepareDatabase(
  server: RunningServer,
  facts: PostgresFacts,
  toc: Toc,
  signal: AbortSignal,
): Promise<void> {
  await makeDatabase(server, toc.database, facts.shape, signal);
  await withSession(server, toc.database, signal, (client) => makeRoles(client, rolesOf(toc)));
}

async function restoreInto(
  server: RunningServer,
  facts: PostgresFacts,
  toc: Toc,
  signal: AbortSignal,
  run: Omit<ToolRun, 'tool'>,
): Promise<readonly RestoreWarning[]> {
  const warnings = await runTool(
    server,
    {
      ...run,
      tool: 'pg_restore',
      args: [
        ...['--verbose', '--no-password', '--no-tablespaces', `--format=${facts.container}`],
        ...['--dbname', conninfo(toc.database)],
        ...run.args,
      ],
    },
    signal,
  );
  await setProperties(server, toc, signal);
  return warnings;
}

/** Settings of the database itself: pg_restore sets them only on a database that it makes. */
async function setProperties(server: RunningServer, toc: Toc, signal: AbortSignal): Promise<void> {
  const statements = databasePropertiesOf(toc, toc.database);
  if (statements.length === 0) return;
  await withSession(server, toc.database, signal, async (client) => {
    for (const statement of statements) {
      try {
        await client.query(statement);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR') throw error;
        throw new MusterError(
          'restore_failed',
          `A property of the database could not be set (SQLSTATE ${error.code}). On its worker, \`muster drill show ID --output\` has the server's words.`,
          { cause: error, output: error.message },
        );
      }
    }
  });
}

/** What a fault of our own connection to the server means. */
async function ownError(server: RunningServer, error: unknown, signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return new MusterError('cancelled', 'The restore was cancelled.');
  if (error instanceof MusterError) return error;
  const loss = await server.scratch.diagnose();
  const code = error instanceof pg.DatabaseError ? error.code : undefined;
  const told = [
    loss?.reason,
    code === undefined ? undefined : RAN_OUT[code],
    server.lost.aborted && 'scratch_lost',
  ] as const;
  return scratchLoss(told, error) ?? error;
}
