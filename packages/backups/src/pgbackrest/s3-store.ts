import { type S3Called, settingsUnder } from '@muster/s3';
import { type S3Bounds, s3Place } from '../s3-place.js';
import { readWhole } from '../s3-stored.js';
import type { S3RepositoryPlace } from './repository-place.js';
import type { Owner, RepositoryStore } from './repository-store.js';
import { objectsWithCopy } from './s3-listing.js';
import { remoteSet } from './s3-set.js';

const CALLED: S3Called = {
  settings: settingsUnder('backup.repo.s3'),
  location: 'backup.repo.path',
  permissions: 'docs/backups.md',
};

/** A repository in object storage: what a drill needs of it is fetched. */
export function s3Store(
  { connection, called = CALLED, bucket, prefix }: S3RepositoryPlace,
  bounds: S3Bounds | undefined,
): RepositoryStore {
  const place = s3Place({ bucket, prefix }, connection, bounds, called);
  return {
    name: place.location,
    locationOf: (path) => `${place.location}/${path}`,
    async withCopy(path, signal) {
      const objects = await objectsWithCopy(place, path, signal);
      return objects.map((object) => {
        const name = `${place.location}/${object.key.slice(place.root.length)}`;
        const listed = { ...object, bucket: place.bucket };
        return { name, owner: FETCHED, bytes: () => readWhole(place, listed, name, signal).bytes };
      });
    },
    artefactOf: (listed) => remoteSet(place, listed),
  };
}

/** What is fetched is this process's. */
const FETCHED: Owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
