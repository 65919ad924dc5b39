import { once } from 'node:events';
import { MusterError } from '@muster/core';
import { cancelled, pause, refuseIfAborted } from '../limit.js';
import type { Command, ExecResult, Loss } from '../scratch.js';
import { createTail } from '../tail.js';
import type { Cell } from './cell.js';
import { type RunningExec, reasonOf } from './daemon.js';
import { demux, type Sink } from './demux.js';
import { drainTo, feed } from './streams.js';

/**
 * Runs one process in a cell. Docker cannot kill an exec, so the process first says its own pid, in the first line of
 * stderr; it leads a process group of its own, by which it and its children are killed.
 * @throws `cancelled`, the reason of the cell's end, or the error of `stdin` or `stdout`.
 */
export async function execInCell(cell: Cell, command: Command, signal: AbortSignal): Promise<ExecResult> {
  refuseIfAborted(signal, WHAT);
  const exec = await start(cell, command);
  exec.stream.on('error', () => {});
  const pid = Promise.withResolvers<string | undefined>();
  let began = false;
  const begin = (line: string): void => {
    began = true;
    pid.resolve(line);
  };

  let fault: { readonly error: unknown } | undefined;
  let killing: Promise<void> | undefined;
  const stopped = new AbortController();
  const stop = (error: unknown): void => {
    if (stopped.signal.aborted) return;
    fault = { error };
    killing = kill(cell, exec, pid.promise);
    stopped.abort();
  };
  const onAbort = (): void => stop(cancelled(WHAT));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();

  const stdout = createTail();
  const stderr = createTail();
  const decoder = new TextDecoder();
  const output = command.stdout === undefined ? undefined : drainTo(command.stdout, stop, stopped.signal);
  const fed = command.stdin === undefined ? undefined : feed(command.stdin, exec.stream, stop);
  const onStderr: Sink = (piece) => {
    stderr.add(piece);
    try {
      command.onStderr?.(decoder.decode(piece, { stream: true }));
    } catch (error) {
      stop(error);
    }
  };
  try {
    // A stream that breaks is a cell that ended: the exit code, or that there is none, tells.
    await demux(exec.stream, output?.write ?? stdout.add, afterFirstLine(begin, onStderr)).catch(() => {});
    const exitCode = await exitCodeOf(cell, exec, () => began, stopped.signal);
    exec.stream.destroy();
    await fed;
    await killing;
    if (fault !== undefined) throw fault.error;
    if (exitCode === undefined) throw lossError(await cell.ended);
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    pid.resolve(undefined);
    signal.removeEventListener('abort', onAbort);
    output?.release();
    exec.stream.destroy();
  }
}

const lossError = (loss: Loss): MusterError => new MusterError(loss.reason, loss.detail);

const WHAT = 'the process in the scratch';
const KILL_MS = 10_000;
const ENDING_MS = 3_000;
const SIGKILLED = 137;

async function start(cell: Cell, command: Command): Promise<RunningExec> {
  try {
    return await cell.startExec({
      argv: ['/bin/sh', '-c', 'echo $$ >&2; exec "$@"', 'sh', ...command.argv],
      env: Object.entries(command.env ?? {}).map(([name, value]) => `${name}=${value}`),
      stdin: command.stdin !== undefined,
    });
  } catch (error) {
    const loss = await Promise.race([cell.ended, pause(3_000)]);
    if (loss !== undefined) throw lossError(loss);
    throw new MusterError(
      'scratch_lost',
      `Docker could not run a process in the scratch: ${reasonOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Undefined if it was stopped, or ended together with its cell: killed, or not even begun, for which Docker makes up an
 * exit code of its own.
 */
async function exitCodeOf(
  cell: Cell,
  exec: RunningExec,
  began: () => boolean,
  stopped: AbortSignal,
): Promise<number | undefined> {
  for (let wait = 2; !stopped.aborted; wait = Math.min(wait * 2, 200)) {
    const exitCode = await exec.exitCode().catch(() => null);
    if (exitCode === null) {
      await cell.ended;
      return undefined;
    }
    if (exitCode === SIGKILLED || (exitCode !== undefined && !began())) {
      return (await endedWith(cell)) ? undefined : exitCode;
    }
    if (exitCode !== undefined) return exitCode;
    await pause(wait);
  }
  return undefined;
}

/**
 * Was a process killed together with its cell? The news of the cell's end may arrive later than that of the process; but
 * a cell whose first process is gone runs nothing more, while one that is alive does (or is full to its last process).
 */
async function endedWith(cell: Cell): Promise<boolean> {
  if (await runsStill(cell)) return false;
  return (await Promise.race([cell.ended, pause(ENDING_MS)])) !== undefined;
}

async function runsStill(cell: Cell): Promise<boolean> {
  try {
    const { stream, exitCode } = await cell.startExec({
      argv: ['/bin/sh', '-c', ':'],
      env: [],
      stdin: false,
    });
    stream.on('error', () => {}).resume();
    await Promise.race([cell.ended, once(stream, 'close').catch(() => {})]);
    return (await exitCode()) === 0;
  } catch {
    return false;
  }
}

/** Kills the process group, and where that cannot be done in time the whole cell. */
async function kill(cell: Cell, exec: RunningExec, pid: Promise<string | undefined>): Promise<void> {
  const isOver = async (): Promise<boolean> => (await exec.exitCode().catch(() => null)) !== undefined;
  const end = Date.now() + KILL_MS;
  const group = await Promise.race([pid, cell.ended.then(() => undefined), pause(KILL_MS)]);
  while (Date.now() < end) {
    if (await isOver()) return;
    if (group !== undefined) await runKill(cell, group);
    for (let wait = 5; wait < 200; wait *= 2) {
      if (await isOver()) return;
      await pause(wait);
    }
  }
  await cell.end({
    reason: 'scratch_lost',
    detail: 'a process in the scratch could not be killed by itself',
  });
}

async function runKill(cell: Cell, group: string): Promise<void> {
  try {
    const { stream } = await cell.startExec({
      argv: ['/bin/sh', '-c', 'kill -KILL "-$1"', 'sh', group],
      env: [],
      stdin: false,
    });
    stream.on('error', () => {}).resume();
  } catch {
    // No room for another process, or no cell any more: the caller looks again.
  }
}

/** The first line goes to `tell`, the rest to `sink`. */
function afterFirstLine(tell: (line: string) => void, sink: Sink): Sink {
  let line = '';
  let told = false;
  return (piece) => {
    if (told) return sink(piece);
    const end = piece.indexOf('\n');
    line += piece.toString('latin1', 0, end < 0 ? piece.length : end);
    if (end < 0) return;
    told = true;
    tell(line);
    if (end + 1 < piece.length) return sink(piece.subarray(end + 1));
  };
}
