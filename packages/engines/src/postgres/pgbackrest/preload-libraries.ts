import { posix } from 'node:path';
import type { Scratch } from '@muster/scratch';
import type { Installation } from '../probe.js';
import { type ConfigLine, configLines, libraryNames } from './server-config.js';

/** What the configuration in a backup wants to be preloaded, by what the installation in the scratch has of it. */
export interface PreloadLibraries {
  readonly kept: readonly string[];
  readonly missing: readonly string[];
}

/**
 * `shared_preload_libraries` of the restored cluster, where its configuration lies in its data directory: WAL, types and
 * indexes may need what is preloaded. Nothing else of that configuration is kept.
 */
export async function preloadLibraries(
  scratch: Scratch,
  installation: Installation,
  data: string,
  signal: AbortSignal,
): Promise<PreloadLibraries> {
  const reading = { scratch, root: data, left: MOST_FILES };
  const lines = [
    ...(await linesOf(reading, posix.join(data, 'postgresql.conf'), signal)),
    ...(await linesOf(reading, posix.join(data, 'postgresql.auto.conf'), signal)),
  ];
  const wanted = libraryNames(lines.findLast(({ name }) => name === 'shared_preload_libraries')?.value ?? '');
  if (wanted.length === 0) return { kept: [], missing: [] };
  const there = await installed(scratch, installation, wanted, signal);
  return {
    kept: wanted.filter((name) => there.has(name)),
    missing: wanted.filter((name) => !there.has(name)),
  };
}

interface Reading {
  readonly scratch: Scratch;
  readonly root: string;
  /** How many more files are read: they may include one another. */
  left: number;
}

const MOST_FILES = 50;
const MOST_BYTES = 1024 * 1024;

/** The settings of a file in the order of their force, with those of what it includes, where that is in the backup. */
async function linesOf(reading: Reading, file: string, signal: AbortSignal): Promise<readonly ConfigLine[]> {
  if (!file.startsWith(`${reading.root}/`) || reading.left <= 0) return [];
  reading.left -= 1;
  const script = 'test -f "$1" && head -c "$2" "$1"';
  const { stdout } = await reading.scratch.exec(
    { argv: ['sh', '-c', script, 'sh', file, String(MOST_BYTES)] },
    signal,
  );
  const all: ConfigLine[] = [];
  for (const line of configLines(stdout)) {
    const path = posix.resolve(posix.dirname(file), line.value);
    if (line.name === 'include' || line.name === 'include_if_exists')
      all.push(...(await linesOf(reading, path, signal)));
    else if (line.name === 'include_dir')
      for (const name of await filesIn(reading, path, signal))
        all.push(...(await linesOf(reading, posix.join(path, name), signal)));
    else all.push(line);
  }
  return all;
}

/** As the server includes a directory: names that end in `.conf`, in the order of their bytes. */
async function filesIn(
  { scratch, root }: Reading,
  path: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!path.startsWith(`${root}/`)) return [];
  const { stdout } = await scratch.exec(
    { argv: ['sh', '-c', 'cd "$1" && ls', 'sh', path], env: { LC_ALL: 'C' } },
    signal,
  );
  return stdout.split('\n').filter((name) => /^[^.].*\.conf$/.test(name));
}

/** $1 bindir; what follows are names of libraries. Not every image has `pg_config`. */
const HAS = `
bin=$1
shift
lib=$("$bin/pg_config" --pkglibdir 2>/dev/null) || lib=
for name do
  for place in "$lib" "$bin/../lib" "$bin/../lib/postgresql"; do
    if [ -n "$place" ] && [ -f "$place/$name.so" ]; then printf '%s\\n' "$name"; break; fi
  done
done
`;

async function installed(
  scratch: Scratch,
  { bindir }: Installation,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const plain = names.filter((name) => /^[\w-]+$/.test(name));
  const { stdout } = await scratch.exec({ argv: ['sh', '-c', HAS, 'sh', bindir, ...plain] }, signal);
  return new Set(stdout.split('\n'));
}
