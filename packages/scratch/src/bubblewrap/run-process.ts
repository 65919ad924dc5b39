import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { finished, type Readable, type Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { MusterError } from '@muster/core';
import type { Command, ExecResult } from '../scratch.js';
import { createTail } from '../tail.js';
import { FILTER_FD, OPTIONS_FD, SEARCH_PATH } from './cage-options.js';
import { killGroup, killTree } from './kill-tree.js';

/** How long a killed process may take to be gone. */
const KILL_GRACE_MS = 5_000;

/**
 * Spawns in a session of its own: Ctrl-C in the worker's terminal does not reach it, it has no terminal to push
 * characters into, and it is killed as a group at once. It inherits nothing of the worker's environment.
 */
export function spawnHelper(
  argv: readonly [string, ...string[]],
  stdin: 'pipe' | 'ignore',
  inherited: readonly ('pipe' | 'ignore')[],
): ChildProcess {
  return spawn(argv[0], argv.slice(1), {
    detached: true,
    cwd: '/',
    env: { PATH: SEARCH_PATH },
    stdio: [stdin, 'pipe', 'pipe', ...inherited],
  });
}

/** Writes to an inherited descriptor and closes it; a reader that is gone already is told by its exit code. */
export function feed(child: ChildProcess, fd: number, content: string | Uint8Array): void {
  const stream = child.stdio[fd] as Writable;
  stream.on('error', () => {});
  stream.end(content);
}

/** What the bubblewrap that wraps the process reads from descriptors. */
export interface ProcessInputs {
  readonly options: string;
  readonly filter: Uint8Array | undefined;
}

/**
 * Runs one process with the streams of `command`, and resolves when it ended and its output was taken.
 *
 * @param signal kills the process, and all that it has started.
 * @param gone aborts when its cell is being ended, which ends it too.
 * @throws the fault of a stream that the caller gave, as it is; the reason of the signal that aborted.
 */
export async function runProcess(
  argv: readonly [string, ...string[]],
  inputs: ProcessInputs,
  command: Pick<Command, 'stdin' | 'stdout' | 'onStderr'>,
  signal: AbortSignal,
  gone: AbortSignal,
): Promise<ExecResult> {
  signal.throwIfAborted();
  gone.throwIfAborted();
  const child = spawnHelper(argv, command.stdin === undefined ? 'ignore' : 'pipe', ['pipe', 'pipe']);
  const ended = endOf(child);
  const gaveUp = Promise.withResolvers<never>();
  let fault: { readonly error: unknown } | undefined;
  let over = false;
  const fail = (error: unknown): boolean => {
    if (over || fault !== undefined) return false;
    fault = { error };
    // What it still had to say is not waited for.
    child.once('exit', () => gaveUp.reject(error));
    setTimeout(() => killGroup(child), KILL_GRACE_MS / 2).unref();
    setTimeout(() => gaveUp.reject(error), KILL_GRACE_MS).unref();
    return true;
  };
  const stop = (error: unknown): void => {
    if (fail(error)) killTree(child);
  };

  feed(child, OPTIONS_FD, inputs.options);
  feed(child, FILTER_FD, inputs.filter ?? '');
  const [stdout, stderr] = [createTail(), createTail()];
  if (command.stdout === undefined) child.stdout?.on('data', (piece: Buffer) => stdout.add(piece));
  else if (child.stdout !== null) pour(child.stdout, command.stdout, stop);
  const decoder = new StringDecoder('utf8');
  child.stderr?.on('data', (piece: Buffer) => {
    stderr.add(piece);
    command.onStderr?.(decoder.write(piece));
  });
  if (command.stdin !== undefined && child.stdin !== null) drink(command.stdin, child.stdin, stop);

  const onAbort = (): void => stop(signal.reason);
  const onGone = (): void => void fail(gone.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  gone.addEventListener('abort', onGone, { once: true });
  try {
    const exitCode = await Promise.race([ended, gaveUp.promise]);
    over = true;
    if (fault !== undefined) throw fault.error;
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    over = true;
    signal.removeEventListener('abort', onAbort);
    gone.removeEventListener('abort', onGone);
    command.stdin?.destroy();
    for (const stream of child.stdio) stream?.destroy();
  }
}

/** Resolves with a shell's exit code (128 + signal) when the process ended and its streams are at their end. */
function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new MusterError(
          'isolation_unavailable',
          'A helper of bubblewrap could not be started: see muster doctor.',
          { cause },
        ),
      ),
    );
    child.once('close', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

/** Feeds a source to a process: half-closes after its end, lets it go when the process reads no more. */
function drink(source: Readable, input: Writable, stop: (error: unknown) => void): void {
  let refused = false;
  input.on('error', () => {
    refused = true;
    source.destroy();
  });
  finished(source, { writable: false }, (error) => {
    if (error !== undefined && error !== null && !refused) stop(error);
  });
  if (source.readableEnded) input.end();
  else source.pipe(input);
}

/** Feeds the output of a process to the caller's stream, which stays open; stops the process when that breaks. */
function pour(output: Readable, target: Writable, stop: (error: unknown) => void): void {
  const broken = (): void => {
    stop(target.errored ?? new Error('the stream from stdout was closed'));
    // Or the process would never be seen to end.
    output.resume();
  };
  target.on('error', broken);
  target.on('close', broken);
  output.once('close', () => {
    target.off('error', broken);
    target.off('close', broken);
  });
  if (target.destroyed) broken();
  output.pipe(target, { end: false });
}
