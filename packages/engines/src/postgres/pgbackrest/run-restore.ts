import { Readable, Writable } from 'node:stream';
import type { Scratch } from '@muster/scratch';
import type { RepositorySet } from '../../artefact.js';
import type { RestoreOptions } from '../../engine.js';
import { type ToolPaths, toolConfig } from './tool-config.js';
import { faultsIn, toolError } from './tool-faults.js';

const ENV = { LC_ALL: 'C', TZ: 'UTC' } as const;

/** `restore file /data/… (8KB, 12.34%) checksum …` */
const PERCENT = /\((?:.*, )?(\d{1,3}(?:\.\d+)?)%\)/;

/** pgBackRest restores the files of the set into the scratch. @throws what {@link toolError} says, `scratch_*`. */
export async function runRestore(
  scratch: Scratch,
  set: RepositorySet,
  paths: ToolPaths,
  options: Pick<RestoreOptions, 'jobs' | 'onProgress' | 'onOutput'>,
  signal: AbortSignal,
): Promise<void> {
  await writeConfig(scratch, paths, toolConfig(set, paths, options.jobs), signal);
  const totalBytes = set.sizeBytes;
  const lines = linesOf((line) => {
    const percent = PERCENT.exec(line)?.[1];
    if (percent !== undefined)
      options.onProgress({
        bytes: Math.floor((totalBytes * Math.min(100, Number(percent))) / 100),
        totalBytes,
      });
    else options.onOutput(`${line}\n`);
    return percent === undefined;
  });
  const { exitCode } = await scratch.exec(
    {
      argv: [
        'pgbackrest',
        `--config=${paths.config}`,
        `--stanza=${set.stanza}`,
        `--set=${set.name}`,
        // What is replayed, and up to where, is said to the server.
        '--type=none',
        `--tablespace-map-all=${paths.tablespaces}`,
        '--log-level-console=detail',
        'restore',
      ],
      env: ENV,
      stdout: lines.stream,
      onStderr: options.onOutput,
    },
    signal,
  );
  if (exitCode === 0) return options.onProgress({ bytes: totalBytes, totalBytes });
  const printed = lines.kept();
  throw toolError(faultsIn(printed), exitCode, `the restore of the backup set ${set.name}`, printed);
}

/** The passphrase goes in through stdin, so that it stands in no process list and no configuration of a container. */
async function writeConfig(
  scratch: Scratch,
  paths: ToolPaths,
  config: string,
  signal: AbortSignal,
): Promise<void> {
  const script = 'set -eu; umask 077; mkdir -p "$2" "$3"; cat > "$1"';
  await scratch.exec(
    {
      argv: ['sh', '-c', script, 'sh', paths.config, paths.work, paths.tablespaces],
      stdin: Readable.from([config]),
    },
    signal,
  );
}

const MOST_KEPT = 64 * 1024;

/** Splits what flows into lines; the last of those that `tell` wants are kept. */
function linesOf(tell: (line: string) => boolean): {
  readonly stream: Writable;
  readonly kept: () => string;
} {
  let rest = '';
  let kept = '';
  const take = (line: string) => {
    if (tell(line)) kept = `${kept}${line}\n`.slice(-MOST_KEPT);
  };
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      const lines = (rest + piece.toString('utf8')).split('\n');
      rest = (lines.pop() ?? '').slice(-MOST_KEPT);
      for (const line of lines) take(line);
      done();
    },
  });
  return { stream, kept: () => `${kept}${rest}` };
}
