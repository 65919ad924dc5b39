import { join } from 'node:path';
import { backupChanged } from '@muster/engines';
import { listObjects, type S3Object } from '@muster/s3';
import type { RemoteBackup } from './repository.js';
import { fetchObjects, makeDirectory, requireRoom, safePath } from './s3-fetch.js';
import { reading, type S3Place } from './s3-place.js';

/** The objects below one name as a dump of several files, to be fetched. */
export function remoteDirectory(place: S3Place, name: string, sizeBytes: number): RemoteBackup {
  const what = `${place.location}/${name}`;
  return {
    form: 'remote',
    name,
    sizeBytes,
    fetch: async (directory, { mostBytes, onBytes }, signal) => {
      await requireRoom(directory, sizeBytes, mostBytes);
      const objects = await membersOf(place, name, signal);
      // It may have been written to since it was found, and then is another dump, or none yet.
      if (objects.reduce((sum, member) => sum + member.sizeBytes, 0) !== sizeBytes) throw backupChanged();
      const wanted = objects.map((object) => ({
        object,
        path: safePath(object.key.slice(place.root.length + name.length + 1), what),
      }));
      let bytes = 0;
      const tell = ({ length }: Buffer): void => {
        bytes += length;
        onBytes(bytes, sizeBytes);
      };
      const into = join(directory, name);
      await makeDirectory(into);
      await fetchObjects(place, wanted, into, tell, signal);
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
