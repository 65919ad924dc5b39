import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errnoOf, MusterError } from '@muster/core';
import type { RepositoryStore, StoredInfo } from './repository-store.js';

/** A repository that is a directory of this machine. */
export function directoryStore(path: string): RepositoryStore {
  return {
    name: path,
    locationOf: (inside) => pathToFileURL(join(path, inside)).href,
    async withCopy(inside) {
      await requireRepository(path);
      const found = await Promise.all([inside, `${inside}.copy`].map((one) => infoAt(join(path, one))));
      return found.flat();
    },
    artefactOf: ({ stanza, set, passphrase }) => ({
      form: 'repository',
      name: set.label,
      path,
      stanza,
      sizeBytes: set.sizeBytes,
      ...(passphrase !== undefined && { passphrase: () => passphrase }),
    }),
  };
}

async function infoAt(name: string): Promise<readonly StoredInfo[]> {
  try {
    const { uid, gid } = await stat(name);
    return [{ name, owner: { uid, gid }, bytes: () => fileBytes(name) }];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw unreadable(name, error);
  }
}

/** @throws `backup_unreadable` */
export async function* fileBytes(name: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* createReadStream(name) as AsyncIterable<Buffer>;
  } catch (error) {
    throw unreadable(name, error);
  }
}

async function requireRepository(path: string): Promise<void> {
  const status = await stat(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw unreadable(path, error);
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

function unreadable(path: string, error: unknown): MusterError {
  return new MusterError(
    'backup_unreadable',
    `${path} could not be read (${errnoOf(error) ?? 'unknown fault'}): give the user that runs Muster the right to read it, for example by the group of the repository.`,
    { cause: error },
  );
}
