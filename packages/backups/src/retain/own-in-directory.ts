import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, MusterError, RECORD_SUFFIX, sha256, unreadable } from '@muster/core';
import { readBeginning } from '@muster/engines';
import { goingName, type OwnBackups, readHiddenName, retiredName } from './own-backups.js';
import { recordAt } from './read-record.js';

/** Of larger ones the digest is not compared: to read them takes its time. */
const MOST_DIGESTED = 16 * 1024 * 1024;

/** The backups of Muster in one directory. Renaming hides them: a reader that has one open goes on. */
export function ownInDirectory(directory: string): OwnBackups {
  const at = (name: string): string => join(directory, name);

  /** False where there is nothing to rename. */
  const renamed = async (from: string, to: string): Promise<boolean> => {
    try {
      await rename(at(from), at(to));
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw unwritable(at(from), error);
    }
  };
  const erase = async (id: string): Promise<void> => {
    try {
      await rm(at(`${id}${RECORD_SUFFIX}`), { force: true });
      await rm(at(goingName(id)), { recursive: true, force: true });
    } catch (error) {
      throw unwritable(at(id), error);
    }
  };

  return {
    async recordOf(id, signal) {
      // A link names what lies elsewhere, and may be somebody else's.
      if ((await statOf(at(id)))?.isSymbolicLink()) return undefined;
      try {
        return await recordAt(at(`${id}${RECORD_SUFFIX}`), signal);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },

    async digestOf({ artefact }, signal) {
      if (artefact.form !== 'file' || artefact.sizeBytes > MOST_DIGESTED) return undefined;
      try {
        const bytes = await readBeginning(artefact.path, MOST_DIGESTED + 1, signal);
        return bytes && sha256(bytes);
      } catch (error) {
        signal.throwIfAborted();
        throw unreadable(artefact.path, error);
      }
    },

    retire: (id) => renamed(id, retiredName(id)),

    async bringBack(id) {
      if ((await statOf(at(id))) !== undefined) throw inTheWay(at(id), retiredName(id));
      await renamed(retiredName(id), id);
    },

    async remove(id) {
      if (!(await renamed(retiredName(id), goingName(id)))) return false;
      await erase(id);
      return true;
    },

    async settle() {
      const broughtBack: string[] = [];
      const removed: string[] = [];
      for (const name of await namesIn(directory)) {
        const hidden = readHiddenName(name);
        if (hidden === undefined) continue;
        const { id, state } = hidden;
        if (state === 'retired') {
          if ((await statOf(at(id))) !== undefined) throw inTheWay(at(id), name);
          if (await renamed(name, id)) broughtBack.push(id);
        } else {
          // Another backup may have its name by now, and that one's record is beside it.
          if ((await statOf(at(id))) === undefined) await erase(id);
          else await rm(at(name), { recursive: true, force: true });
          removed.push(id);
        }
      }
      return { broughtBack, removed };
    },
  };
}

async function statOf(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
}

/** Where the place is absent, its listing says so. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw unreadable(directory, error);
  }
}

const inTheWay = (path: string, hidden: string): MusterError =>
  new MusterError(
    'take_unwritable',
    `${path} cannot come back from ${hidden}: another backup has its name. Look at the two, and rename or remove one.`,
  );

const unwritable = (path: string, cause: unknown): MusterError =>
  new MusterError(
    'take_unwritable',
    `${path} could not be removed (${errnoOf(cause) ?? 'unknown fault'}): give the user that runs Muster the right to write into its directory.`,
    { cause },
  );
