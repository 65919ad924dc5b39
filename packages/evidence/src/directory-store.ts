import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errnoOf, isMusterError, MusterError } from '@muster/core';
import type { EvidenceStore } from './evidence-store.js';
import { adviceFor } from './file-fault.js';
import { checkKey, SEGMENT } from './store-key.js';
import { requireOwner } from './store-owner.js';
import { tryWriteOnce, writeOnce } from './write-once.js';

/**
 * An evidence store in a directory of a file system with hard links; it is made with the first object. A key is the
 * path below it. Several processes of its owner, on several hosts where it is shared, may write at once; those of another
 * user are refused before they write anything.
 */
export function createDirectoryStore(path: string): EvidenceStore {
  const root = resolve(path);
  const unwritable = (verb: string, cause: unknown): MusterError => {
    if (isMusterError(cause)) return cause;
    const message = `The evidence store ${root} cannot be ${verb}: ${adviceFor(cause)}.`;
    return new MusterError('evidence_unwritable', message, { cause });
  };

  return {
    location: root,

    async putOnce(key, bytes, signal) {
      const object = join(root, checkKey(key));
      signal.throwIfAborted();
      try {
        await requireOwner(root);
        return await writeOnce(object, bytes, { mode: 0o644, directoryMode: 0o755, signal });
      } catch (error) {
        if (signal.aborted && error === signal.reason) throw error;
        throw unwritable(`written at ${dirname(key)}/`, error);
      }
    },

    async get(key, signal) {
      const object = join(root, checkKey(key));
      signal.throwIfAborted();
      try {
        return await readFile(object);
      } catch (error) {
        if (isAbsent(error) || errnoOf(error) === 'EISDIR') {
          throw new MusterError('evidence_not_found', `The evidence store ${root} has no ${key}.`, {
            cause: error,
          });
        }
        throw unwritable('read', error);
      }
    },

    async *list(prefix, signal) {
      try {
        yield* walk(root, '', prefix, signal);
      } catch (error) {
        if (signal.aborted && error === signal.reason) throw error;
        throw unwritable('read', error);
      }
    },

    async probe(signal) {
      signal.throwIfAborted();
      try {
        await requireOwner(root);
        await tryWriteOnce(await nearestDirectory(root));
      } catch (error) {
        throw unwritable('written', error);
      }
    },
  };
}

/** The order is that of an object storage, bytewise over whole keys: `a-b/c` before `a/c`. */
async function* walk(
  root: string,
  directory: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  signal.throwIfAborted();
  for (const name of await namesIn(join(root, directory), directory === '')) {
    const key = directory + name;
    if (!name.endsWith('/')) {
      if (key.startsWith(prefix)) yield key;
    } else if (key.startsWith(prefix) || prefix.startsWith(key)) {
      yield* walk(root, key, prefix, signal);
    }
  }
}

/** Objects, and directories with a slash behind them, sorted. */
async function namesIn(directory: string, isRoot: boolean): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => SEGMENT.test(entry.name) && (entry.isFile() || entry.isDirectory()))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort();
  } catch (error) {
    // A store that has no object yet, or a directory that was taken away meanwhile.
    if (errnoOf(error) === 'ENOENT' || (isAbsent(error) && !isRoot)) return [];
    throw error;
  }
}

/** Where the first object's directories would be made: the store itself, or the nearest directory above it. */
async function nearestDirectory(path: string): Promise<string> {
  try {
    // The slash makes a file in the way an error, and not the place to look above.
    await stat(`${path}/`);
    return path;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || path === dirname(path)) throw error;
    return nearestDirectory(dirname(path));
  }
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
