import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMusterError } from '@muster/core';
import { changed } from '@muster/engines';
import { onDisk } from '../on-disk.js';
import { digestOf } from './companion-digest.js';
import {
  type CompanionPlace,
  type CompanionRoom,
  companionChanged,
  type FetchedCompanion,
  requireRoom,
} from './companion-place.js';
import { isSame, readFault, type Survey, type SurveyedFile, survey } from './directory-survey.js';

const CHUNK_BYTES = 1024 * 1024;
/** A pipe that took the place of a file would let an open wait for ever, and a link would lead elsewhere. */
const READ_THIS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/**
 * A companion that is a file or directory of this machine. It is shown where it lies, as it is; copied only where some of
 * it may be read by its owner alone, or would not be in a scratch what it is here.
 */
export function createDirectoryCompanion(from: string): CompanionPlace {
  const { href: location } = pathToFileURL(from);
  const look = async (room: Pick<CompanionRoom, 'mostBytes'>, signal: AbortSignal): Promise<Survey> => {
    const found = await survey(from, location, signal);
    if (!found.showable) requireRoom(location, found.sizeBytes, room);
    return found;
  };
  return {
    location,
    async look(room, signal) {
      const { sizeBytes, files, showable } = await look(room, signal);
      return { sizeBytes, files: files.length, copied: !showable };
    },
    async fetch(room, onBytes, signal) {
      const found = await look(room, signal);
      const copy = found.showable ? undefined : join(room.directory, 'copy');
      const digests = await readAll(found, location, copy, onBytes, signal);
      const [only] = digests;
      const fetched = {
        sizeBytes: found.sizeBytes,
        files: found.files.length,
        sha256: found.isDirectory || only === undefined ? digestOf(digests) : (`sha256:${only.hex}` as const),
      };
      const unchanged: FetchedCompanion['unchanged'] = async (stop) => {
        if (!isSame(found, await survey(from, location, stop).catch(asChange(location))))
          throw companionChanged(location);
      };
      if (copy === undefined) return { ...fetched, path: found.path, unchanged };
      await unchanged(signal);
      return { ...fetched, path: copy, unchanged: async () => {} };
    },
  };
}

/** What was there and is now missing, or is now something else, changed. */
const asChange =
  (location: string) =>
  (error: unknown): never => {
    throw isMusterError(error, 'companion_missing') || isMusterError(error, 'companion_unusable')
      ? companionChanged(location, error)
      : error;
  };

async function readAll(
  { files, isDirectory, sizeBytes }: Survey,
  location: string,
  copy: string | undefined,
  onBytes: (bytes: number, totalBytes: number) => void,
  signal: AbortSignal,
) {
  let bytes = 0;
  const tell = (more: number): void => {
    bytes += more;
    onBytes(bytes, sizeBytes);
  };
  if (copy !== undefined) await makeDirectories(files, copy, isDirectory);
  // One file of many names is read once.
  const known = new Map<string, string>();
  const digests: { readonly path: string; readonly hex: string }[] = [];
  for (const file of files) {
    const { dev, ino, size } = file.facts;
    const before = copy === undefined ? known.get(`${dev}:${ino}`) : undefined;
    const hex = before ?? (await readOne(file, location, copy && join(copy, file.path), tell, signal));
    if (before !== undefined) tell(Number(size));
    known.set(`${dev}:${ino}`, hex);
    digests.push({ path: file.path, hex });
  }
  return digests;
}

/** Whatever mask the worker runs with, all may read them. */
async function makeDirectories(
  files: readonly SurveyedFile[],
  copy: string,
  isDirectory: boolean,
): Promise<void> {
  const directories = new Set(isDirectory ? [copy] : []);
  for (const { path } of isDirectory ? files : []) {
    for (let one = dirname(path); one !== '.'; one = dirname(one)) directories.add(join(copy, one));
  }
  await onDisk(async () => {
    await mkdir(dirname(copy), { recursive: true });
    for (const directory of [...directories].toSorted((a, b) => a.length - b.length)) {
      await mkdir(directory);
      await chmod(directory, 0o755);
    }
  });
}

/** Its digest; `into`: where a copy of it is made. */
async function readOne(
  { real, facts }: SurveyedFile,
  location: string,
  into: string | undefined,
  tell: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(real, READ_THIS).catch((error: unknown) => {
    throw readFault(location, error);
  });
  let copy: FileHandle | undefined;
  const requireSame = async (): Promise<void> => {
    if (changed(facts, await file.stat({ bigint: true }))) throw companionChanged(location);
  };
  try {
    await requireSame();
    if (into !== undefined) {
      const made = await onDisk(() => open(into, 'wx'));
      copy = made;
      await onDisk(() => made.chmod((Number(facts.mode) & 0o111) === 0 ? 0o644 : 0o755));
    }
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer).catch((error: unknown) => {
        throw readFault(location, error);
      });
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      await onDisk(async () => copy?.writeFile(piece));
      tell(bytesRead);
    }
    await requireSame();
    return hash.digest('hex');
  } finally {
    await copy?.close();
    await file.close();
  }
}
