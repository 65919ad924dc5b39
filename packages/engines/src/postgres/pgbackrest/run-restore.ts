import { Readable } from 'node:stream';
import type { DeltaRecord, MusterError } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import type { RepositorySet } from '../../artefact.js';
import type { RestoreOptions } from '../../engine.js';
import { bytesOf, emptyFiles, pruneTablespaces } from './kept-files.js';
import { type ToolPaths, toolConfig } from './tool-config.js';
import { faultsIn, toolError } from './tool-faults.js';
import { linesOf } from './tool-lines.js';

const ENV = { LC_ALL: 'C', TZ: 'UTC' } as const;

/** `restore file /data/… (8KB, 12.34%) checksum …` */
const PERCENT = /\((?:.*, )?(\d{1,3}(?:\.\d+)?)%\)/;
/** The name in such a line; of a file that was there already it goes on with ` - exists and …`. */
const COPIED = /restore (?:zeroed )?file (?!.* - exists and )(.+?)(?:\.pgbackrest\.tmp)? \([^()]*%\)/;

type Options = Pick<RestoreOptions, 'jobs' | 'onProgress' | 'onOutput'>;

/**
 * pgBackRest restores the files of the set into the scratch; where files of an earlier drill are there, those that it does
 * not find there with the checksum of the set. `hasFiles`: there are some, made ready. @throws what {@link toolError} says, `scratch_*`.
 */
export async function runRestore(
  scratch: Scratch,
  set: RepositorySet,
  paths: ToolPaths,
  options: Options,
  hasFiles: boolean,
  signal: AbortSignal,
): Promise<DeltaRecord | undefined> {
  const { kept } = scratch;
  await writeConfig(scratch, paths, toolConfig(set, paths, options.jobs), signal);
  const first = await restoreFiles(scratch, set, paths, options, hasFiles, signal);
  // What goes wrong over files that anything may have written says nothing about the backup.
  const isAgain = hasFiles && first.fault !== undefined;
  if (isAgain) await emptyFiles(scratch, paths, signal);
  const { fault } = isAgain ? await restoreFiles(scratch, set, paths, options, false, signal) : first;
  if (fault !== undefined) throw fault;
  if (kept === undefined) return undefined;
  if (hasFiles) await pruneTablespaces(scratch, paths, signal);
  const names = hasFiles && !isAgain ? first.copied : undefined;
  return { volume: kept, copied_bytes: await bytesOf(scratch, paths, names, signal) };
}

/** @param delta - over files that are there. */
async function restoreFiles(
  scratch: Scratch,
  set: RepositorySet,
  paths: ToolPaths,
  options: Options,
  delta: boolean,
  signal: AbortSignal,
): Promise<{ readonly copied: readonly string[]; readonly fault?: MusterError }> {
  const totalBytes = set.sizeBytes;
  const copied: string[] = [];
  const lines = linesOf((line) => {
    const name = delta && COPIED.exec(line)?.[1];
    if (name) copied.push(name);
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
        // What is replayed, and up to where, is said to the server: the settings written for it are emptied, and a newest
        // timeline that does not go on from the set is no fault of the set.
        '--type=default',
        '--target-timeline=current',
        // By checksum, and not, as --force would have it, by size and time.
        ...(delta ? ['--delta'] : []),
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
  if (exitCode === 0) {
    options.onProgress({ bytes: totalBytes, totalBytes });
    return { copied };
  }
  const printed = lines.kept();
  const what = `the restore of the backup set ${set.name}`;
  return { copied, fault: toolError(faultsIn(printed), exitCode, what, printed) };
}

/** The passphrase goes in through stdin, so that it stands in no process list and no configuration of a container. */
export async function writeConfig(
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
