import { spawn } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
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
  /** What the end of the tool means, where that is known; `tookMs`: how long it ran. */
  faultOf: (ended: Ended, tookMs: number) => MusterError | undefined = () => undefined,
): Readable {
  const begun = performance.now();
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  const closed = new AbortController();
  stream.once('close', () => closed.abort());
  run(stream, AbortSignal.any([signal, closed.signal])).then(
    (ended) => {
      const { exitCode, stderr } = ended;
      if (exitCode === 0) return void stream.end();
      const known = faultOf(ended, performance.now() - begun);
      stream.destroy(known ?? dumpFailed(`${tool} ended with exit code ${exitCode}`, { output: stderr }));
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

/** A tool that waits for its source would else outlive a worker that was killed, and its locks there too. */
const DIES_WITH_US = `
signal=$1
shift
if setpriv --pdeathsig "$signal" true 2>/dev/null; then exec setpriv --pdeathsig "$signal" "$@"; fi
exec "$@"
`;

export interface RunHere {
  /** Whom it runs as, where this process may become somebody else. */
  readonly as?: { readonly uid: number; readonly gid: number } | undefined;
  /** It has an end of its own to come to: aborting asks it to end, and kills it after so many ms. Absent = it is killed. */
  readonly graceMs?: number;
}

/**
 * Runs a tool of this machine, which sees no more of the environment than what it is given: 127 where there is no such
 * program. Aborting ends it, and rejects once it is gone.
 */
export function runHere(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  stdout: Writable,
  signal: AbortSignal,
  { as, graceMs }: RunHere = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const killSignal = graceMs === undefined ? 'SIGKILL' : 'SIGTERM';
    const child = spawn('/bin/sh', ['-c', DIES_WITH_US, 'sh', killSignal.slice(3), ...argv], {
      env: { LC_ALL: 'C', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal,
      // Whoever it runs as may not enter the directory that this process is in.
      ...(as && { uid: as.uid, gid: as.gid, cwd: '/' }),
    });
    let stderr = '';
    let fault: Error | undefined;
    let late: NodeJS.Timeout | undefined;
    child.stdout.pipe(stdout, { end: false });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR);
    });
    child.once('error', (error) => {
      fault = error;
      if (child.pid === undefined) reject(error);
      else if (graceMs !== undefined) late = setTimeout(() => child.kill('SIGKILL'), graceMs);
    });
    child.once('close', (code) => {
      clearTimeout(late);
      if (fault === undefined) resolve({ exitCode: code ?? -1, stderr });
      else reject(fault);
    });
  });
}
