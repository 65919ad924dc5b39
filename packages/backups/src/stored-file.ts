import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  backupChanged,
  changed,
  digestFilesOf,
  type FileArtefact,
  LONGEST_DIGESTS,
  readBackup,
  readBeginning,
  readingError,
} from '@muster/engines';
import type { Stored } from './flow.js';

/** A file of this machine. `there`: the names in its directory. */
export function storedFile({ name, path, sizeBytes }: FileArtefact, there: ReadonlySet<string>): Stored {
  return {
    name,
    sizeBytes,
    beside: digestFilesOf(name)
      .filter((file) => there.has(file.name))
      .map((file) => ({
        ...file,
        read: async (signal) =>
          (await readBeginning(join(dirname(path), file.name), LONGEST_DIGESTS, signal)) ?? Buffer.alloc(0),
      })),
    head: (signal) => bytesOf(path, signal),
    read: (signal) => {
      let before: BigIntStats | undefined;
      const bytes = async function* () {
        before = await stat(path, { bigint: true });
        yield* bytesOf(path, signal);
      };
      return {
        bytes: bytes(),
        end: async () => {
          if (before === undefined || changed(before, await stat(path, { bigint: true })))
            throw backupChanged();
          return undefined;
        },
      };
    },
  };
}

async function* bytesOf(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* readBackup(path, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw readingError(error);
  }
}
