import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, MusterError, RECORD_SUFFIX, sha256, unreadable } from '@muster/core';
import { readBeginning } from '@muster/engines';
import {
  goingName,
  newPrune,
  type OwnBackups,
  provesOwn,
  readHiddenName,
  retiredName,
} from './own-backups.js';
import { recordAt } from './read-record.js';

/** Of larger ones the digest is not compared: to read them takes its time, and two of the same size are no accident. */
const MOST_DIGESTED = 16 * 1024 * 1024;

/** What lies beside what is being removed: its record, which goes last. */
const goingRecord = (id: string): string => `${goingName(id)}${RECORD_SUFFIX}`;

/**
 * The backups of Muster in one directory, for one prune. Renaming hides them: a reader that has one open goes on.
 * @param prune - which it is, of those that may run at once.
 */
export function ownInDirectory(directory: string, prune = newPrune()): OwnBackups {
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
  const isThere = async (name: string): Promise<boolean> => (await statOf(at(name))) !== undefined;
  const recordCalled = async (name: string, signal: AbortSignal) => {
    try {
      return await recordAt(at(name), signal);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  };
  const comeBack = async (id: string, hidden: string): Promise<boolean> => {
    if (await isThere(id)) throw inTheWay(at(id), hidden);
    return await renamed(hidden, id);
  };
  /** The record goes last: what is there without one was never Muster's, whoever called it so. */
  const erase = async (id: string): Promise<void> => {
    // Another backup may have its name by now, and that one's record is beside it.
    if (!(await isThere(id)) && !(await isThere(goingRecord(id))))
      await renamed(`${id}${RECORD_SUFFIX}`, goingRecord(id));
    try {
      for (const name of [goingName(id), goingRecord(id)])
        await rm(at(name), { recursive: true, force: true });
    } catch (error) {
      throw unwritable(at(id), error);
    }
  };
  // In the order in which its record goes: where both are gone by then, so is all of it.
  const mayGo = async (id: string, signal: AbortSignal): Promise<boolean> =>
    (!(await isThere(id)) && provesOwn(await recordCalled(`${id}${RECORD_SUFFIX}`, signal), id)) ||
    provesOwn(await recordCalled(goingRecord(id), signal), id);

  return {
    async recordOf(id, signal) {
      // A link names what lies elsewhere, and may be somebody else's.
      if ((await statOf(at(id)))?.isSymbolicLink()) return undefined;
      return await recordCalled(`${id}${RECORD_SUFFIX}`, signal);
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

    retire: (id) => renamed(id, retiredName(id, prune)),

    async bringBack(id) {
      const hidden = retiredName(id, prune);
      if (await isThere(hidden)) await comeBack(id, hidden);
    },

    async remove(id) {
      if (!(await renamed(retiredName(id, prune), goingName(id)))) return false;
      await erase(id);
      return true;
    },

    async settle(signal) {
      const broughtBack: string[] = [];
      const removed: string[] = [];
      for (const name of await namesIn(directory)) {
        // Its record may be all that is left of what was going.
        const isRecord = name.endsWith(RECORD_SUFFIX);
        const hidden = readHiddenName(isRecord ? name.slice(0, -RECORD_SUFFIX.length) : name);
        if (hidden === undefined || !(await isThere(name))) continue;
        const { id, state } = hidden;
        if (state === 'going' && (await mayGo(id, signal))) {
          await erase(id);
          removed.push(id);
        } else if (!isRecord && (await comeBack(id, name))) broughtBack.push(id);
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
