import { isMusterError, MusterError, type RestoreWarning } from '@muster/core';
import type { Artefact, DumpArtefact } from '../../artefact.js';
import { counting } from '../../bytes/counting.js';
import { unwrap } from '../../bytes/decompress.js';
import { feed } from '../../bytes/feed.js';
import { openContent } from '../../bytes/open-content.js';
import type { RestoreReport } from '../../engine.js';
import { othersMayRead } from '../../restore/directory-inside.js';
import type { TargetRestoreOptions } from '../../target/target.js';
import type { Tool, ToolRunner } from '../../target/tool-runner.js';
import type { Toc } from '../format/toc.js';
import { libpqEnvironment } from '../live/connection-uri.js';
import { plainFilter } from '../plain/plain-filter.js';
import type { PostgresFacts } from '../postgres-facts.js';
import { requireLength } from '../restore/restore.js';
import { psqlInput } from '../restore/run-psql.js';
import { conninfo } from '../server/session.js';
import { judgeTarget, TargetStderr } from './complaints.js';
import { type Login, optionsOf } from './login.js';

/** Archives smaller than this restore as fast with one process. */
const PARALLEL_FROM_BYTES = 1024 * 1024;

/** What is restored, and where. */
export interface ToolRestore {
  readonly login: Login;
  readonly database: string;
  readonly restoreId: string;
  readonly facts: PostgresFacts;
  readonly tools: ToolRunner;
  readonly serverMajor: number;
  /** Roles that a plain dump names, as they come. @throws `role_missing` */
  readonly onRoles: (names: readonly string[]) => Promise<void>;
}

/** Restores a dump into an empty database of a real server, with the tool of PostgreSQL. */
export async function restoreByTool(
  restore: ToolRestore,
  artefact: Artefact,
  options: TargetRestoreOptions,
  signal: AbortSignal,
): Promise<RestoreReport> {
  if (artefact.form === 'repository' || artefact.form === 'stream')
    throw new MusterError('internal', 'Only a dump is restored into a database.');
  const { toc } = restore.facts;
  const report =
    toc === undefined
      ? await byPsql(restore, artefact, options, signal)
      : await byPgRestore(restore, toc, artefact, options, signal);
  return { databases: [restore.database], ...report };
}

async function byPgRestore(
  restore: ToolRestore,
  toc: Toc,
  artefact: DumpArtefact,
  options: TargetRestoreOptions,
  signal: AbortSignal,
): Promise<Omit<RestoreReport, 'databases'>> {
  const { container, wrapper } = restore.facts;
  if (wrapper === 'none' && artefact.form !== 'directory') requireLength(toc, artefact.sizeBytes);
  const tool = await restore.tools.find('pg_restore', restore.serverMajor, signal);
  options.onTool(tool.where);
  const stop = new AbortController();
  const totalBytes = artefact.sizeBytes;
  const tell = (bytes: number) => options.onProgress({ bytes: Math.min(bytes, totalBytes), totalBytes });
  const stored = artefact.form !== 'flow' && wrapper === 'none' ? artefact.path : undefined;
  const isShown = artefact.form === 'directory' || tool.isHere || (stored && (await othersMayRead(stored)));
  const path = isShown ? stored : undefined;
  const parallel = path !== undefined && container !== 'tar' && totalBytes >= PARALLEL_FROM_BYTES;
  const input =
    path === undefined && artefact.form !== 'directory'
      ? feed(unwrap(counting(openContent(artefact, signal), tell).stream, wrapper), {
          onFault: () => stop.abort(),
        })
      : undefined;
  const warnings = await run(restore, tool, {
    name: 'pg_restore',
    args: [
      ...['--no-password', '--no-tablespaces', `--format=${container}`],
      ...['--dbname', conninfo(restore.database)],
      ...(parallel && options.jobs > 1 ? [`--jobs=${options.jobs}`] : []),
      ...(path === undefined ? [] : [path]),
    ],
    ...(input && { input }),
    ...(path !== undefined && { onRead: tell, directory: path }),
    stop,
    options,
    signal,
  });
  tell(totalBytes);
  return { bytes: totalBytes, objects: toc.entries.length, warnings };
}

async function byPsql(
  restore: ToolRestore,
  artefact: DumpArtefact,
  options: TargetRestoreOptions,
  signal: AbortSignal,
): Promise<Omit<RestoreReport, 'databases'>> {
  const { facts, database } = restore;
  const tool = await restore.tools.find('psql', restore.serverMajor, signal);
  options.onTool(tool.where);
  const stop = new AbortController();
  const [own] = facts.databases;
  let roleFault: unknown;
  const filter = plainFilter({
    ...(own === undefined ? {} : { database: own }),
    onRoles: (names) =>
      restore.onRoles(names).catch((error: unknown) => {
        roleFault = error;
        throw error;
      }),
  });
  const input = psqlInput(
    // This psql runs where the operator does.
    { database, artefact, facts, filter, outside: true },
    tool.version,
    { onProgress: options.onProgress, onFault: () => stop.abort() },
    signal,
  );
  try {
    const warnings = await run(restore, tool, {
      name: 'psql',
      args: input.args,
      input: input.feed,
      lastWord: input.lastWord,
      stop,
      options,
      signal,
    });
    return { bytes: input.bytes(), warnings };
  } catch (error) {
    throw isMusterError(error, 'cancelled') ? error : (roleFault ?? error);
  }
}

interface Run {
  readonly name: 'pg_restore' | 'psql';
  readonly args: readonly string[];
  readonly input?: ReturnType<typeof feed>;
  readonly lastWord?: string;
  readonly onRead?: (bytes: number) => void;
  /** What the tool opens by itself. */
  readonly directory?: string;
  /** Ends the tool early: its input is at fault, or the restore has failed already. */
  readonly stop: AbortController;
  readonly options: TargetRestoreOptions;
  readonly signal: AbortSignal;
}

async function run(
  { login, restoreId }: ToolRestore,
  tool: Tool,
  { name, args, input, lastWord, onRead, directory, stop, options, signal }: Run,
): Promise<readonly RestoreWarning[]> {
  const stderr = new TargetStderr(name);
  const { host } = login.host;
  const both = AbortSignal.any([signal, stop.signal]);
  try {
    const ended = await tool
      .run(
        {
          args,
          env: { LC_ALL: 'C', PSQL_HISTORY: '/dev/null' },
          secretEnv: {
            ...libpqEnvironment({ ...login.uri, hosts: [login.host] }),
            // Nothing waits for the disk before the database has its name, whose commit waits for all of it.
            PGOPTIONS: `${optionsOf(login)} -c synchronous_commit=off`,
            PGAPPNAME: `muster restore ${restoreId}`,
          },
          ...(directory !== undefined && { reads: directory }),
          directories: host.startsWith('/') ? [host] : [],
          ...(input && { stdin: input.stdin }),
          ...(onRead && { onRead }),
          onStderr: (text) => {
            options.onOutput(text);
            stderr.write(text);
            // What follows a failed COPY is data, which psql would read as statements.
            if (name === 'psql' && stderr.serious) stop.abort();
          },
        },
        both,
      )
      .catch((error: unknown) => {
        if (both.aborted) return { exitCode: -1, stdout: '', stderr: '' };
        throw error;
      });
    const fault = await input?.stop('drop');
    if (signal.aborted) throw new MusterError('cancelled', 'The restore was interrupted.');
    if (fault !== undefined) throw fault;
    const finished = ended.stdout.trimEnd().split('\n').at(-1) === lastWord;
    return judgeTarget({ tool: name, exitCode: ended.exitCode, stderr, finished });
  } finally {
    await input?.stop('drop');
  }
}
