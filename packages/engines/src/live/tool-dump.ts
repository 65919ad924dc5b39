import { spawn } from 'node:child_process';
import { PassThrough, type Readable } from 'node:stream';
import { MusterError } from '@muster/core';

const MAX_STDERR = 64 * 1024;

/** What a tool came to. */
export interface Ended {
  readonly exitCode: number;
  readonly stderr: string;
}

/**
 * The dump that a tool writes to `stdout`: it ends where the tool ended well, else the stream is destroyed with
 * `dump_failed`. `run` is told to stop when nobody reads any more.
 */
export function toolDump(
  tool: string,
  run: (stdout: PassThrough, stop: AbortSignal) => Promise<Ended>,
  signal: AbortSignal,
): Readable {
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  const closed = new AbortController();
  stream.once('close', () => closed.abort());
  run(stream, AbortSignal.any([signal, closed.signal])).then(
    ({ exitCode, stderr }) => {
      if (exitCode === 0) stream.end();
      else stream.destroy(dumpFailed(`${tool} ended with exit code ${exitCode}`, { output: stderr }));
    },
    (cause: unknown) => {
      if (signal.aborted)
        stream.destroy(new MusterError('cancelled', 'The dump of the source was cancelled.'));
      else if (cause instanceof MusterError) stream.destroy(cause);
      else stream.destroy(dumpFailed(`${tool} could not be run`, { cause }));
    },
  );
  return stream;
}

export const dumpFailed = (
  what: string,
  options: { readonly cause?: unknown; readonly output?: string },
): MusterError =>
  new MusterError(
    'dump_failed',
    `The live dump of the source did not finish: ${what}. On its worker, \`muster drill show ID --output\` has its words.`,
    options,
  );

/** Runs a tool of this machine, which sees no more of the environment than what it is given. */
export function runHere(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  stdout: PassThrough,
  signal: AbortSignal,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { LC_ALL: 'C', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    let stderr = '';
    child.stdout.pipe(stdout, { end: false });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? -1, stderr }));
  });
}
