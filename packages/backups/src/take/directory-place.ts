import { createHash } from 'node:crypto';
import {
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rename,
  rmdir,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errnoOf, MusterError, RECORD_SUFFIX } from '@muster/core';
import { readBackup } from '@muster/engines';
import { type DirectorySlot, isForeign, isThere, makeSlot, removeSlot, sweepSlot } from './directory-slot.js';
import { foreignSlot, holdLost, ownerText } from './slot-owner.js';
import { stillGoing } from './still-going.js';
import { nameOfSlot, namesOf, slotName } from './take-names.js';
import { type Liveness, RENEW_MS, type SlotOwner, type TakePlace, type TakeSlot } from './take-place.js';
import { writing } from './writing-fault.js';

export interface DirectoryPlaceOptions {
  /** Absolute. It must be there: what is not may be a volume that is not mounted. */
  readonly directory: string;
  readonly liveness: Liveness;
}

/**
 * Backups in a directory. A slot is a hidden directory beside them, for its owner alone, so that what is in it can be made
 * visible at once: by a hard link, which is never made over anything, or a rename where a dump is a directory.
 */
export function createDirectoryTakePlace({ directory, liveness }: DirectoryPlaceOptions): TakePlace {
  const location = pathToFileURL(directory).href;
  const at = (...names: readonly string[]): string => join(directory, ...names);
  return {
    location,
    names: () => writing(directory, () => readdir(directory)),
    sizeOf: async (name) => {
      const facts = await stat(at(name)).catch(() => undefined);
      return facts?.isFile() ? facts.size : undefined;
    },
    sweep: (signal) =>
      writing(directory, async () => {
        const slots = (await readdir(directory)).filter((name) => nameOfSlot(name) !== undefined);
        if (slots.length === 0) return [];
        const now = await clockOf(directory);
        const swept = [];
        for (const slot of slots) {
          signal.throwIfAborted();
          swept.push(...(await sweepSlot(directory, slot, { liveness, now }, signal)));
        }
        return swept;
      }),
    hold: (slug, owner) =>
      writing(directory, async () => {
        const slot = await makeSlot(directory, slug, owner);
        if (slot === undefined) {
          const path = at(slotName(slug));
          if (await isForeign(path)) throw foreignSlot(path);
          return undefined;
        }
        const lost = new AbortController();
        const stop = renew(slot, owner, () => lost.abort(holdLost(slug, location)));
        return {
          lost: lost.signal,
          close: async () => {
            stop();
            await removeSlot(slot).catch(() => undefined);
          },
        };
      }),
    open: (names, owner, signal) =>
      writing(directory, async () => {
        const there = new Set(await readdir(directory));
        for (const name of names) {
          signal.throwIfAborted();
          if (namesOf(name).some((one) => there.has(one))) continue;
          const slot = await reserve(directory, name, owner);
          if (slot !== undefined) return slotAt(directory, name, slot, owner, await rightsIn(directory));
        }
        throw new MusterError(
          'take_exists',
          `In ${directory} there are backups of this very minute already, and none is overwritten: see whether the clock was set back, and try again.`,
        );
      }),
  };
}

/** The clock of the file system, which may be that of another machine; undefined where nothing can be made there. */
async function clockOf(directory: string): Promise<Date | undefined> {
  try {
    const probe = await mkdtemp(join(directory, '.muster-clock-'));
    try {
      return (await stat(probe)).mtime;
    } finally {
      await rmdir(probe);
    }
  } catch {
    return undefined;
  }
}

/** Undefined where somebody has the name. */
async function reserve(
  directory: string,
  name: string,
  owner: SlotOwner,
): Promise<DirectorySlot | undefined> {
  const slot = await makeSlot(directory, name, owner);
  // Somebody may have published it since names were listed.
  if (slot === undefined || !(await isThere(join(directory, name)))) return slot;
  await removeSlot(slot);
  return undefined;
}

/** Until what it returns is called. One that cannot be renewed is at the worst swept by another machine. */
function renew(slot: DirectorySlot, owner: SlotOwner, onLost = () => {}): () => void {
  const again = () =>
    void writeFile(slot.owner, ownerText(owner), { flag: 'r+' }).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') onLost();
    });
  const timer = setInterval(again, RENEW_MS).unref();
  return () => clearInterval(timer);
}

interface Rights {
  readonly file: number;
  readonly directory: number;
}

/** Whole databases are for who takes them alone, and for a group where the directory was given to it (`chmod g+s`). */
async function rightsIn(directory: string): Promise<Rights> {
  const isShared = ((await stat(directory)).mode & 0o2000) !== 0;
  return isShared ? { file: 0o640, directory: 0o750 } : { file: 0o600, directory: 0o700 };
}

function slotAt(
  directory: string,
  name: string,
  slot: DirectorySlot,
  owner: SlotOwner,
  rights: Rights,
): TakeSlot {
  const { content, record: kept } = slot;
  const final = join(directory, name);
  const stop = renew(slot, owner);
  return {
    name,
    location: pathToFileURL(final).href,
    makeDirectory: () =>
      writing(directory, async () => {
        await mkdir(content, { mode: rights.directory });
        return content;
      }),
    settle: (signal) => writing(directory, () => syncTree(content, signal)),
    write: (bytes, { onBytes }, signal) =>
      writing(directory, async () => {
        const hash = createHash('sha256');
        let sizeBytes = 0;
        const file = await open(content, 'wx', rights.file);
        try {
          for await (const chunk of bytes) {
            signal.throwIfAborted();
            await file.writeFile(chunk);
            hash.update(chunk);
            sizeBytes += chunk.length;
            onBytes(sizeBytes);
          }
          await file.sync();
        } finally {
          await file.close();
        }
        const flowed = hash.digest('hex');
        if ((await digestOf(content, signal)) !== flowed) throw readsDifferently(directory);
        return { sha256: `sha256:${flowed}`, sizeBytes };
      }),
    publish: (record, signal) =>
      writing(directory, async () => {
        await writeSynced(kept, record, rights.file);
        await sync(slot.path);
        await stillGoing(signal);
        await publishFile(kept, `${final}${RECORD_SUFFIX}`);
        try {
          // A backup that lists has its record, also where the power fails between the two.
          await sync(directory);
          await stillGoing(signal);
          if ((await stat(content)).isDirectory()) await publishDirectory(content, final);
          else await publishFile(content, final);
        } catch (error) {
          await unlink(`${final}${RECORD_SUFFIX}`).catch(() => undefined);
          throw error;
        }
        await sync(directory);
      }),
    close: async () => {
      stop();
      await removeSlot(slot).catch(() => undefined);
    },
  };
}

/** Of file systems that have no hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** `from` under the name `to`, never over anything. */
async function publishFile(from: string, to: string): Promise<void> {
  try {
    return await link(from, to);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST') throw exists(to);
    if (code === undefined || !NO_LINKS.has(code)) throw error;
  }
  // The name is reserved among takes: what could come in between is nobody's habit.
  if (await isThere(to)) throw exists(to);
  await rename(from, to);
}

/** A rename over a directory that is not empty is refused by the file system itself. */
async function publishDirectory(from: string, to: string): Promise<void> {
  if (await isThere(to)) throw exists(to);
  await rename(from, to).catch((error: unknown) => {
    throw errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST' ? exists(to) : error;
  });
}

const exists = (path: string): MusterError =>
  new MusterError(
    'take_exists',
    `While the backup was written, something else was given its name, ${path}: it stays, and the backup was left out. Take it again.`,
  );

const readsDifferently = (directory: string): MusterError =>
  new MusterError(
    'checksum_mismatch',
    `What was written to ${directory} reads differently: see to its disk. Nothing was left of the backup.`,
  );

async function digestOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readBackup(path, signal)) hash.update(chunk);
  return hash.digest('hex');
}

async function writeSynced(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await using file = await open(path, 'wx', mode);
  await file.writeFile(bytes);
  await file.sync();
}

/** A file, or the names in a directory. */
async function sync(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}

async function syncTree(path: string, signal: AbortSignal): Promise<void> {
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    signal.throwIfAborted();
    await sync(join(entry.parentPath, entry.name));
  }
  await sync(path);
}
