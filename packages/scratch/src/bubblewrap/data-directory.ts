import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import type { Ownership, Wanted } from '../labels.js';
import { readOwner, writeOwner } from '../owner-file.js';
import { removeTree } from '../remove-tree.js';
import { NOBODY } from './outer-command.js';

/** A cell's data on this machine's disk: `<state dir>/cells/<id>/`, with `owner.json` and `data/`. */
export interface DataDirectory {
  readonly path: string;
  /** Idempotent; call when no process is left inside. */
  remove(): Promise<void>;
}

const NAME = /^[0-9a-f]{12}$/;
const cellsIn = (stateDir: string): string => join(stateDir, 'cells');

/** @throws `state_unwritable` */
export async function createDataDirectory(
  stateDir: string,
  id: string,
  owner: Ownership,
  asRoot: boolean,
): Promise<DataDirectory> {
  const directory = join(cellsIn(stateDir), id);
  const path = join(directory, 'data');
  const remove = (): Promise<void> => removeOwned(directory);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // First of all, so that a sweep knows it whatever happens next.
    await writeOwner(directory, owner);
    await mkdir(path);
    await chmod(path, 0o700);
    if (asRoot) await chown(path, NOBODY, NOBODY);
  } catch (cause) {
    await remove();
    throw new MusterError(
      'state_unwritable',
      `Cannot make a directory for data in ${stateDir}: check that it is a directory and writable`,
      { cause },
    );
  }
  return { path, remove };
}

/** Removes the data of cells that are wanted away; touches nothing that has no owner file of ours. */
export async function sweepDataDirectories(stateDir: string, isWanted: Wanted): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const entry of await readdir(cellsIn(stateDir), { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory() || !NAME.test(entry.name)) continue;
    const directory = join(cellsIn(stateDir), entry.name);
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
