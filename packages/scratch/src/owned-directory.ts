import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import type { Ownership, Wanted } from './labels.js';
import { readOwner, writeOwner } from './owner-file.js';
import { removeTree } from './remove-tree.js';

/** A directory on this machine's disk with a known owner: `<parent>/<id>/`, with `owner.json` and `data/`. */
export interface OwnedDirectory {
  /** Of `data/`, 0700. */
  readonly path: string;
  /** Idempotent; call when no process is left inside. */
  remove(): Promise<void>;
}

/** 12 digits of hex. */
const NAME = /^[0-9a-f]{12}$/;

/** @throws `state_unwritable` */
export async function createOwnedDirectory(
  parent: string,
  id: string,
  owner: Ownership,
): Promise<OwnedDirectory> {
  const directory = join(parent, id);
  const path = join(directory, 'data');
  const remove = (): Promise<void> => removeOwned(directory);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // First of all, so that a sweep knows it whatever happens next.
    await writeOwner(directory, owner);
    await mkdir(path);
    await chmod(path, 0o700);
  } catch (cause) {
    await remove();
    throw unwritable(parent, cause);
  }
  return { path, remove };
}

export const unwritable = (parent: string, cause: unknown): MusterError =>
  new MusterError(
    'state_unwritable',
    `Cannot make a directory for data in ${parent}: check that it is a directory and writable`,
    { cause },
  );

/** Removes those that are wanted away; touches nothing that has no owner file of ours. */
export async function sweepOwnedDirectories(parent: string, isWanted: Wanted): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const entry of await readdir(parent, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory() || !NAME.test(entry.name)) continue;
    const directory = join(parent, entry.name);
    const owner = await readOwner(directory);
    if (owner === undefined || !isWanted(owner)) continue;
    await removeOwned(directory);
    removed.push(directory);
  }
  return removed;
}

/** The proof of who owned it goes last, so that a removal that is interrupted can be taken up again. */
async function removeOwned(directory: string): Promise<void> {
  await removeTree(join(directory, 'data'));
  await removeTree(directory);
}
