import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errnoOf, isMusterError, MusterError, unreadable } from '@muster/core';
import { openRegular, type RepositorySet } from '@muster/engines';
import { manifestDigest } from './manifest-digest.js';
import type { ListedSet, RepositoryStore, StoredInfo } from './repository-store.js';

/** A repository that is a directory of this machine. */
export function directoryStore(path: string): RepositoryStore {
  return {
    name: path,
    locationOf: (inside) => pathToFileURL(join(path, inside)).href,
    async withCopy(inside, signal) {
      await requireRepository(path);
      const found = await Promise.all(
        [inside, `${inside}.copy`].map((one) => infoAt(join(path, one), signal)),
      );
      return found.flat();
    },
    artefactOf: (listed) => setAt(path, listed),
  };
}

/** A set of the repository in the directory `path`. */
export function setAt(path: string, listed: ListedSet): RepositorySet {
  const { stanza, set, passphrase } = listed;
  return {
    form: 'repository',
    name: set.label,
    path,
    stanza,
    sizeBytes: set.sizeBytes,
    manifestDigest: (signal) => manifestDigest(path, listed, fileBytes, signal),
    ...(passphrase !== undefined && { passphrase: () => passphrase }),
  };
}

async function infoAt(name: string, signal: AbortSignal): Promise<readonly StoredInfo[]> {
  try {
    const { uid, gid } = await stat(name);
    return [{ name, owner: { uid, gid }, bytes: () => fileBytes(name, signal) }];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw notReadable(name, error);
  }
}

/** @throws `backup_unreadable` */
export async function* fileBytes(name: string, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  try {
    const file = await openRegular(name);
    if (file === undefined) throw noFile(name);
    yield* file.createReadStream({ signal }) as AsyncIterable<Buffer>;
  } catch (error) {
    signal.throwIfAborted();
    throw isMusterError(error) ? error : notReadable(name, error);
  }
}

async function requireRepository(path: string): Promise<void> {
  const status = await stat(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw notReadable(path, error);
    throw new MusterError(
      // Nothing was looked at, so nothing is known of the backups.
      'backup_unreadable',
      `There is no pgBackRest repository ${path}: see whether its volume is mounted, or set repo.path of the source to its directory (repo1-path).`,
      { cause: error },
    );
  });
  if (status.isDirectory()) return;
  throw new MusterError(
    'backup_unreadable',
    `${path} is no directory: set repo.path of the source to that of the repository (repo1-path).`,
  );
}

const noFile = (name: string): MusterError =>
  new MusterError(
    'backup_unreadable',
    `${name} is no regular file: put back the one that pgBackRest wrote, or correct where the repository is.`,
  );

const notReadable = (path: string, error: unknown): MusterError =>
  unreadable(path, error, ', for example by the group of the repository');
