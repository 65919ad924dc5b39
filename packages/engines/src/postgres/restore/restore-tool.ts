import { randomUUID } from 'node:crypto';
import { MusterError, orAborted, type RestoreWarning } from '@muster/core';
import type { Command, ExecResult } from '@muster/scratch';
import type { Feed } from '../../bytes/feed.js';
import { readWatch, watched } from '../../bytes/read-watch.js';
import { lossOf } from '../../restore/scratch-loss.js';
import type { LogEntry } from '../server/server-log.js';
import { isRefusal, withSession } from '../server/session.js';
import type { RunningServer } from '../server/start.js';
import { judge, type RestoreRun } from './judge.js';
import { ToolStderr } from './tool-complaints.js';

/** How long the server's log may lag behind the end of the tool. */
const LOG_LAG_MS = 10_000;

export interface ToolRun {
  readonly tool: 'pg_restore' | 'psql';
  readonly args: readonly string[];
  readonly feed?: Feed;
  /** psql: what it prints at last, if it took everything. */
  readonly lastWord?: string;
  /** The source flows to its end even where the tool needs no more of it. */
  readonly drain?: boolean;
  /** pg_restore that opens its archive by itself: how many bytes its processes have read, now and then. */
  readonly onRead?: (bytes: number) => void;
  /** Each complaint of the server, as it comes. */
  readonly onError?: (entry: LogEntry) => void;
  readonly onOutput: (text: string) => void;
  /** Aborts the tool early: its input is at fault, or the restore has failed already. */
  readonly stop: AbortSignal;
}

/**
 * Runs a restore tool inside the scratch, with the server's log of the same time beside it, and judges both.
 * @throws any reason of {@link judge}, a fault of the feed, `cancelled`.
 */
export async function runTool(
  server: RunningServer,
  run: ToolRun,
  signal: AbortSignal,
): Promise<readonly RestoreWarning[]> {
  const { scratch, installation, log } = server;
  const stderr = new ToolStderr(run.tool);
  log.takeErrors();
  const ours = ({ pid }: LogEntry) => server.ours.has(pid);
  const unlisten = log.listen({
    onText: run.onOutput,
    onError: (entry) => {
      if (!ours(entry)) run.onError?.(entry);
    },
  });
  try {
    const argv = [`${installation.bindir}/${run.tool}`, ...run.args] as const;
    const command: Command = {
      argv: run.onRead === undefined ? argv : watched(argv),
      ...(run.onRead === undefined ? {} : { stdout: readWatch(run.onRead) }),
      env: {
        LC_ALL: 'C',
        PGHOST: scratch.innerSocketDir,
        PGUSER: 'postgres',
        PGAPPNAME: 'muster restore',
        PGOPTIONS: '-c statement_timeout=0 -c lock_timeout=0',
        PSQL_HISTORY: '/dev/null',
      },
      ...(run.feed === undefined ? {} : { stdin: run.feed.stdin }),
      onStderr: (text) => {
        run.onOutput(text);
        stderr.write(text);
      },
    };
    const ended = await endOf(scratch.exec(command, AbortSignal.any([signal, run.stop])));
    const fault = await run.feed?.stop(run.drain && ended.exitCode >= 0 ? 'drain' : 'drop');
    if (signal.aborted) throw new MusterError('cancelled', 'The restore was cancelled.');
    if (fault !== undefined) throw fault;
    const after = await catchUp(server, signal);
    const entries = log.takeErrors().filter((entry) => !ours(entry));
    const complaints = stderr.end();
    const finished = ended.stdout.trimEnd().split('\n').at(-1) === run.lastWord;
    const calm =
      after === 'there' && ended.exitCode === 0 && entries.length === 0 && complaints.own.length === 0;
    return judge({
      tool: run.tool,
      exitCode: ended.exitCode,
      complaints,
      log: entries,
      loss: calm ? undefined : await lossOf(server),
      after,
      finished,
    });
  } finally {
    await run.feed?.stop('drop');
    unlisten();
  }
}

/** A tool that was stopped, or whose cell went, has ended too; why is found out by the caller. */
async function endOf(exec: Promise<ExecResult>): Promise<ExecResult> {
  return exec.catch((error: unknown) => ({ exitCode: -1, stdout: '', stderr: String(error) }));
}

/** Waits until everything the server had to say so far has been read. */
async function catchUp(server: RunningServer, signal: AbortSignal): Promise<RestoreRun['after']> {
  const within = AbortSignal.any([AbortSignal.timeout(LOG_LAG_MS), signal]);
  const mark = randomUUID();
  const reached = server.log.reached(mark);
  try {
    return await withSession<RestoreRun['after']>(server, 'template1', within, async (client) => {
      await client.query(`DO $$ BEGIN RAISE LOG '${mark}'; END $$`);
      await orAborted(reached, within);
      return 'there';
    });
  } catch (error) {
    return isRefusal(error) ? 'closed' : 'lost';
  }
}
