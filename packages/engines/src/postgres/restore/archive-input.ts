import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import type { Scratch } from '@muster/scratch';
import { type Artefact, BACKUP_MOUNT } from '../../artefact.js';
import { counting } from '../../bytes/counting.js';
import { unwrap } from '../../bytes/decompress.js';
import { type Feed, feed, readBackup } from '../../bytes/feed.js';
import { packDirectory } from '../../bytes/pack-directory.js';
import type { RestoreProgress } from '../../engine.js';
import type { PostgresFacts } from '../postgres-facts.js';

/** How pg_restore comes to an archive. */
export type ArchiveInput =
  /** It reads a path inside the scratch; what it has read goes to `tell`, unless the way there has told it already. */
  | { readonly path: string; readonly feed?: undefined; readonly tell?: (bytes: number) => void }
  | { readonly feed: Feed; readonly path?: undefined; readonly tell?: undefined };

/** Where the path of a directory archive that had to be carried into the scratch is, beside the server's data. */
const CARRIED = 'backup';
const FULL = /No space left on device|quota exceeded/i;
/** `o+r`, and `o+rx` of a directory. */
const OTHERS_READ = 0o004;
const OTHERS_LIST = 0o005;

/**
 * Chooses the way of an archive into the scratch: it reads what is mounted there, else bytes flow into its stdin. A
 * directory that is not mounted is carried in first, since no archive of that form can be streamed.
 */
export async function archiveInput(
  scratch: Scratch,
  artefact: Exclude<Artefact, { form: 'stream' }>,
  facts: PostgresFacts,
  options: {
    readonly onProgress: (progress: RestoreProgress) => void;
    readonly onFault: () => void;
    readonly signal: AbortSignal;
  },
): Promise<ArchiveInput> {
  const totalBytes = artefact.sizeBytes;
  const tell = (bytes: number) => options.onProgress({ bytes: Math.min(bytes, totalBytes), totalBytes });
  if (scratch.mounts && facts.wrapper === 'none' && (await othersMayRead(artefact.path))) {
    return { path: BACKUP_MOUNT, tell };
  }
  if (artefact.form === 'file') {
    const { stream } = counting(readBackup(artefact.path, options.signal), tell);
    return { feed: feed(unwrap(stream, facts.wrapper), { onFault: options.onFault }) };
  }
  return { path: await carryIn(scratch, artefact.path, tell, options.signal) };
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

/** A mount shows files with the owner and mode that they have here, and the tool inside is no one they know. */
async function othersMayRead(path: string): Promise<boolean> {
  const facts = await stat(path);
  if (!facts.isDirectory()) return (facts.mode & OTHERS_READ) !== 0;
  if ((facts.mode & OTHERS_LIST) !== OTHERS_LIST) return false;
  for (const name of await readdir(path)) {
    if (((await stat(join(path, name))).mode & OTHERS_READ) === 0) return false;
  }
  return true;
}
