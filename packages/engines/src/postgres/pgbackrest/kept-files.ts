import { Readable } from 'node:stream';
import { MusterError } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import type { ClusterPaths } from './tool-config.js';

/**
 * Of what an earlier drill left only files that pgBackRest will look at stay, and none that would keep it from it: it
 * asks for one of two files before it restores over others, and for the absence of a third. $1 data, $2 tablespaces.
 */
const PREPARE = `
set -eu
find "$(dirname "$1")" -mindepth 1 -maxdepth 1 ! -path "$1" ! -path "$2" -exec rm -rf {} +
for path in "$1" "$2"; do [ -d "$path" ] || rm -f "$path"; done
if [ -f "$1/PG_VERSION" ] || [ -f "$1/backup.manifest" ]; then
  rm -rf "$1/postmaster.pid"
  [ -f "$1/backup.manifest" ] || rm -rf "$1/backup.manifest"
  echo files
else
  rm -rf "$1" "$2"
  echo none
fi
`;

/** Tablespaces of another set, which pgBackRest does not know of. Arguments as of {@link PREPARE}. */
const PRUNE = `
set -eu
for path in "$2"/* "$2"/.[!.]* "$2"/..?*; do
  [ -e "$path" ] || continue
  for link in "$1"/pg_tblspc/*; do
    [ "$(readlink "$link")" != "$path" ] || continue 2
  done
  rm -rf "$path"
done
`;

const EMPTY = 'rm -rf "$1" "$2"';

/** $3: 'all' of the files, or those whose names come in. */
const MEASURE = `
if [ "$3" = all ]; then find "$1" "$2" -type f -exec stat -c %s {} +
else xargs -0 stat -c %s -- 2>/dev/null
fi | awk '{ bytes += $1 } END { printf "%.0f", bytes }'
`;

/** Whether there are files that can be restored over. */
export const prepareFiles = async (
  scratch: Scratch,
  paths: ClusterPaths,
  signal: AbortSignal,
): Promise<boolean> => (await run(scratch, paths, PREPARE, signal)).trim() === 'files';

export async function pruneTablespaces(
  scratch: Scratch,
  paths: ClusterPaths,
  signal: AbortSignal,
): Promise<void> {
  await run(scratch, paths, PRUNE, signal);
}

export async function emptyFiles(scratch: Scratch, paths: ClusterPaths, signal: AbortSignal): Promise<void> {
  await run(scratch, paths, EMPTY, signal);
}

/** The bytes of restored files, as they lie there. @param names - of which; absent = of all. */
export async function bytesOf(
  scratch: Scratch,
  paths: ClusterPaths,
  names: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<number> {
  const stdin = Readable.from((names ?? []).map((name) => `${name}\0`));
  return Number(
    await run(scratch, paths, MEASURE, signal, { stdin, more: [names === undefined ? 'all' : 'some'] }),
  );
}

async function run(
  scratch: Scratch,
  { data, tablespaces }: ClusterPaths,
  script: string,
  signal: AbortSignal,
  { stdin, more = [] }: { readonly stdin?: Readable; readonly more?: readonly string[] } = {},
): Promise<string> {
  const argv = ['sh', '-c', script, 'sh', data, tablespaces, ...more] as const;
  const { exitCode, stdout, stderr } = await scratch.exec(
    { argv, env: { LC_ALL: 'C' }, ...(stdin !== undefined && { stdin }) },
    signal,
  );
  if (exitCode === 0) return stdout;
  throw new MusterError(
    'launch_failed',
    'The files of the last drill could not be made ready for this one.',
    {
      output: stderr,
    },
  );
}
