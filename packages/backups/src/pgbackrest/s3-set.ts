import { join } from 'node:path';
import { MusterError } from '@muster/core';
import type { RepositorySet } from '@muster/engines';
import type { S3Object } from '@muster/s3';
import type { RemoteBackup } from '../repository.js';
import { fetchObjects, makeDirectory, requireRoom, safePath, type Wanted } from '../s3-fetch.js';
import type { S3Place } from '../s3-place.js';
import { setsOf } from './backup-info.js';
import { type Borrowed, isAmong, readBorrowed } from './borrowed.js';
import { fileBytes, setAt } from './directory-store.js';
import { readInfoFile } from './info-file.js';
import { infoPath, type ListedSet, readFirst, setPath } from './repository-store.js';
import { objectsBelow, objectsWithCopy } from './s3-listing.js';
import { walOf } from './s3-wal.js';

/**
 * A set in a repository in object storage. What a restore of it needs is fetched as it lies there: its files, those that it
 * borrows from other sets, the WAL to replay, and what the repository says of itself.
 */
export function remoteSet(place: S3Place, listed: ListedSet): RemoteBackup {
  const { set, stanza } = listed;
  const { label: name, sizeBytes } = set;
  return {
    form: 'remote',
    name,
    sizeBytes,
    async fetch(directory, { mostBytes, recoverTo, onBytes }, signal): Promise<RepositorySet> {
      const path = join(directory, 'repository');
      await makeDirectory(path);
      let bytes = 0;
      let totalBytes = 0;
      const fetched = async (objects: readonly S3Object[]): Promise<readonly string[]> => {
        totalBytes += objects.reduce((sum, object) => sum + object.sizeBytes, 0);
        await requireRoom(path, totalBytes, mostBytes);
        const wanted = objects.map((object) => inRepository(place, object));
        const tell = ({ length }: Buffer): void => {
          bytes += length;
          onBytes(bytes, totalBytes);
        };
        await fetchObjects(place, wanted, path, tell, signal);
        return wanted.map((one) => join(path, one.path));
      };

      const manifests = await fetched(
        await objectsWithCopy(place, `${setPath(listed)}/backup.manifest`, signal),
      );
      const borrowed = await borrowedBy(listed, manifests, signal);
      const files = await filesOf(place, listed, borrowed ?? new Map(), signal);
      const wal = await walOf(place, listed, recoverTo, signal);
      await fetched([...files, ...wal]);
      await fetched(await objectsWithCopy(place, `archive/${stanza}/archive.info`, signal));
      // The last, so that it tells whether the set was there until now.
      const infos = await fetched(await objectsWithCopy(place, infoPath(stanza), signal));
      await requireListed(listed, infos, signal);
      return { ...setAt(path, listed), fetched: true };
    },
  };
}

function inRepository({ root, location }: S3Place, object: S3Object): Wanted {
  return { object, path: safePath(object.key.slice(root.length), location) };
}

/** Undefined for a set without a manifest. */
const borrowedBy = (
  { manifestPassphrase: passphrase }: ListedSet,
  manifests: readonly string[],
  signal: AbortSignal,
): Promise<Borrowed | undefined> =>
  readFirst(manifests, (name) => readBorrowed({ name, passphrase, bytes: () => fileBytes(name, signal) }));

/** All that lies below the set but its manifests, and what it borrows. */
async function filesOf(
  place: S3Place,
  listed: ListedSet,
  borrowed: Borrowed,
  signal: AbortSignal,
): Promise<readonly S3Object[]> {
  const { stanza, set } = listed;
  const own = `${setPath(listed)}/`;
  const isManifest = (path: string) => /^backup\.manifest(\.copy)?$/.test(path.slice(own.length));
  const files = [...(await objectsBelow(place, own, signal, { isWanted: (path) => !isManifest(path) }))];
  for (const [label, paths] of borrowed) {
    if (label === set.label) continue;
    const below = `backup/${stanza}/${label}/`;
    const isWanted = (path: string) => isAmong(paths, path.slice(below.length));
    files.push(...(await objectsBelow(place, below, signal, { isWanted })));
  }
  return files;
}

/** pgBackRest takes a set out of `backup.info` before it removes its files. @throws `backup_changed` */
async function requireListed(
  { passphrase, set }: ListedSet,
  infos: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const sets = await readFirst(infos, async (name) =>
    setsOf(await readInfoFile({ name, passphrase, bytes: () => fileBytes(name, signal) }), name),
  );
  if (sets?.some(({ label }) => label === set.label)) return;
  throw new MusterError(
    'backup_changed',
    `The backup set ${set.label} was removed from its repository while it was fetched: keep sets for longer than a drill of them takes.`,
  );
}
