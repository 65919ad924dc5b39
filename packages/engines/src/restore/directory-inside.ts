import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import { BACKUP_MOUNT } from '../artefact.js';
import { counting } from '../bytes/counting.js';
import { feed } from '../bytes/feed.js';
import { packDirectory } from '../bytes/pack-directory.js';

/** Where a directory that had to be carried into the scratch is, beside the server's data. */
const CARRIED = 'backup';
const FULL = /No space left on device|quota exceeded/i;
/** `o+r`, and `o+rx` of a directory. */
const OTHERS_READ = 0o004;
const OTHERS_LIST = 0o005;

/**
 * Where a tool inside the scratch finds a directory: as it is mounted, else carried in. `tell` hears of the bytes on
 * that way. @throws `scratch_disk_full`, `scratch_lost`, `backup_unreadable`.
 */
export async function directoryInside(
  scratch: Scratch,
  directory: string,
  tell: (bytes: number) => void,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly mounted: boolean }> {
  return scratch.mounts && (await othersMayRead(directory))
    ? { path: BACKUP_MOUNT, mounted: true }
    : { path: await carryIn(scratch, directory, tell, signal), mounted: false };
}

/** A mount shows files with the owner and mode that they have here, and the tool inside is no one they know. */
export async function othersMayRead(path: string): Promise<boolean> {
  const facts = await stat(path);
  if (!facts.isDirectory()) return (facts.mode & OTHERS_READ) !== 0;
  if ((facts.mode & OTHERS_LIST) !== OTHERS_LIST) return false;
  for (const name of await readdir(path)) {
    if (!(await othersMayRead(join(path, name)))) return false;
  }
  return true;
}

async function carryIn(
  scratch: Scratch,
  directory: string,
  tell: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const path = `${scratch.dataDir}/${CARRIED}`;
  const stop = new AbortController();
  const { stream } = counting(packDirectory(directory, signal), tell);
  const tar = feed(stream, { onFault: () => stop.abort() });
  try {
    const command = {
      argv: ['sh', '-c', 'mkdir -m 700 "$1" && cd "$1" && exec tar -xf -', 'sh', path],
      stdin: tar.stdin,
    } as const;
    const ended = await scratch
      .exec(command, AbortSignal.any([signal, stop.signal]))
      .catch((cause: unknown) => ({ exitCode: -1, stderr: String(cause) }));
    const fault = await tar.stop('drop');
    if (fault !== undefined) throw fault;
    if (ended.exitCode === 0) return path;
    const loss = await scratch.diagnose();
    const full = FULL.test(ended.stderr);
    throw new MusterError(
      loss?.reason ?? (full ? 'scratch_disk_full' : 'scratch_lost'),
      full || loss?.reason === 'scratch_disk_full'
        ? 'The backup does not fit the scratch: give it more `scratch.disk`.'
        : 'The backup could not be carried into the scratch.',
      { output: ended.stderr },
    );
  } finally {
    await tar.stop('drop');
  }
}
