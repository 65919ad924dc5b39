import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import { backupChanged } from '@muster/engines';
import { listObjects, type S3Object } from '@muster/s3';
import { eachLimited } from './each-limited.js';
import type { RemoteDirectory } from './repository.js';
import { fetchObject } from './s3-fetch.js';
import { reading, type S3Place } from './s3-place.js';

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
      const fetchOne = async (object: S3Object, stop: AbortSignal): Promise<void> => {
        const path = safePath(object.key.slice(place.root.length + name.length + 1), what);
        await fetchObject(place, object, join(into, path), ({ length }) => tell(length), stop);
      };
      await eachLimited(objects, PARALLEL, fetchOne, signal);
      return { form: 'directory', name, path: into, sizeBytes };
    },
  };
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
