import { randomUUID } from 'node:crypto';
import { link, mkdir, open, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errnoOf } from '@muster/core';

/** The start of every name that is not an object: whatever a dead process left has it, and nobody lists it. */
const TEMPORARY = '.tmp-';

export interface WriteOnceOptions {
  /** Permissions of the file, before the umask. */
  readonly mode: number;
  /** Permissions of directories that must be made. */
  readonly directoryMode: number;
  readonly signal: AbortSignal;
}

/**
 * Makes a file that did not exist, whole and durable, or leaves none: written beside its place under another name,
 * flushed, then linked (which fails where the name is taken, unlike a rename).
 * @returns `exists` where the name was taken, and nothing was changed.
 * @throws the operating system's error, or the signal's reason.
 */
export async function writeOnce(
  path: string,
  bytes: Uint8Array,
  options: WriteOnceOptions,
): Promise<'stored' | 'exists'> {
  const directory = dirname(resolve(path));
  options.signal.throwIfAborted();
  await makeDirectory(directory, options.directoryMode);
  const temporary = join(directory, `${TEMPORARY}${process.pid}-${randomUUID()}`);
  let outcome: 'stored' | 'exists';
  try {
    await writeDurably(temporary, bytes, options.mode);
    options.signal.throwIfAborted();
    outcome = await linkUnlessTaken(temporary, path);
  } finally {
    await unlink(temporary).catch(ignoreAbsence);
  }
  // Also where another was first: its link must be durable before anyone is told that the object exists.
  await syncDirectory(directory);
  return outcome;
}

/** Proves that {@link writeOnce} can work in an existing directory, and leaves nothing there. */
export async function tryWriteOnce(directory: string): Promise<void> {
  const temporary = join(directory, `${TEMPORARY}${process.pid}-${randomUUID()}`);
  const linked = `${temporary}-linked`;
  try {
    await writeDurably(temporary, Buffer.from('muster\n'), 0o600);
    await link(temporary, linked);
  } finally {
    await unlink(linked).catch(ignoreAbsence);
    await unlink(temporary).catch(ignoreAbsence);
  }
  await syncDirectory(directory);
}

/** Whom a file belongs to that this process writes into an existing directory; it is gone again. */
export async function ownerOfWritten(directory: string): Promise<number> {
  const temporary = join(directory, `${TEMPORARY}${process.pid}-${randomUUID()}`);
  await using file = await open(temporary, 'wx', 0o600);
  try {
    return (await file.stat()).uid;
  } finally {
    await unlink(temporary).catch(ignoreAbsence);
  }
}

async function writeDurably(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await using file = await open(path, 'wx', mode);
  await file.writeFile(bytes);
  await file.sync();
}

async function linkUnlessTaken(from: string, to: string): Promise<'stored' | 'exists'> {
  try {
    await link(from, to);
    return 'stored';
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return 'exists';
    throw error;
  }
}

/**
 * Step by step: a new directory is durable once the one above it is flushed, and Node's own recursive mkdir hides what
 * is wrong (a read-only file system is ENOENT to it).
 */
async function makeDirectory(path: string, mode: number): Promise<void> {
  if (await isDirectory(path)) return;
  await makeDirectory(dirname(path), mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await isDirectory(path))) throw error;
  }
  await syncDirectory(dirname(path));
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    ignoreAbsence(error);
    return false;
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

function ignoreAbsence(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
