import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, MusterError } from '@muster/core';
import { backupChanged } from '@muster/engines';
import { listObjects, type S3Object } from '@muster/s3';
import { mapLimited } from './map-limited.js';
import type { RemoteDirectory } from './repository.js';
import { reading, type S3Place } from './s3-place.js';
import { readWhole } from './s3-stored.js';

/** Objects fetched at once. */
const PARALLEL = 4;

/** The objects below one name as a dump of several files, to be fetched. */
export function remoteDirectory(place: S3Place, name: string, sizeBytes: number): RemoteDirectory {
  const what = `${place.location}/${name}`;
  return {
    form: 'remote',
    name,
    sizeBytes,
    fetch: async (directory, onBytes, signal) => {
      const stop = new AbortController();
      const both = AbortSignal.any([signal, stop.signal]);
      const objects = await membersOf(place, name, signal);
      // It may have been written to since it was found, and then is another dump, or none yet.
      if (objects.reduce((sum, member) => sum + member.sizeBytes, 0) !== sizeBytes) throw backupChanged();
      let bytes = 0;
      const tell = (more: number): void => {
        bytes += more;
        onBytes(bytes);
      };
      const into = join(directory, name);
      await mkdir(into);
      try {
        await mapLimited(objects, PARALLEL, (object) => fetchOne(place, object, name, into, tell, both));
      } catch (error) {
        // The others write no more once this has failed.
        stop.abort(error);
        signal.throwIfAborted();
        throw error;
      }
      return { form: 'directory', name, path: into, sizeBytes };
    },
  };

  async function fetchOne(
    { root, location }: S3Place,
    object: S3Object,
    directory: string,
    into: string,
    tell: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const path = join(into, safePath(object.key.slice(root.length + directory.length + 1), what));
    await onDisk(() => mkdir(dirname(path), { recursive: true }));
    const file = await onDisk(() => open(path, 'wx', 0o644));
    try {
      const { bytes, end } = readWhole(
        place,
        { ...object, bucket: place.bucket },
        `${location}/${object.key.slice(root.length)}`,
        signal,
      );
      for await (const chunk of bytes) {
        await onDisk(() => file.writeFile(chunk));
        tell(chunk.length);
      }
      const fault = await end();
      if (fault !== undefined) throw fault;
    } finally {
      await file.close();
    }
  }
}

async function membersOf(place: S3Place, name: string, signal: AbortSignal): Promise<readonly S3Object[]> {
  const prefix = `${place.root}${name}/`;
  return await reading(`${place.location}/${name}`, async () => {
    const pages = await Array.fromAsync(listObjects(place.send, { bucket: place.bucket, prefix }, signal));
    return pages.flat().filter(({ key }) => !key.endsWith('/'));
  });
}

/** A key may hold what is a way out of the directory, or names no file can have. */
function safePath(path: string, what: string): string {
  const steps = path.split('/');
  const isSafe = steps.every((step) => step !== '' && step !== '.' && step !== '..' && !step.includes('\0'));
  if (isSafe) return path;
  throw new MusterError(
    'not_a_dump',
    `${what} has an object whose key is no path of a file in it: no tool that dumps writes such.`,
  );
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = errnoOf(cause);
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new MusterError(
      full ? 'scratch_disk_full' : 'launch_failed',
      full
        ? 'There is no room on the worker for the backup, which must be fetched: free some in its state directory.'
        : `The backup could not be written on the worker (${code ?? 'unknown fault'}): look at its state directory.`,
      { cause },
    );
  }
}
