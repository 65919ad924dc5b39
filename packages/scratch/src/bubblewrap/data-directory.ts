import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ownership, Wanted } from '../labels.js';
import {
  createOwnedDirectory,
  type OwnedDirectory,
  sweepOwnedDirectories,
  unwritable,
} from '../owned-directory.js';
import { NOBODY } from './outer-command.js';

const cellsIn = (stateDir: string): string => join(stateDir, 'cells');

/** A cell's data on this machine's disk: `<state dir>/cells/<id>/`. @throws `state_unwritable` */
export const createDataDirectory = (
  stateDir: string,
  id: string,
  owner: Ownership,
  asRoot: boolean,
): Promise<OwnedDirectory> => dataDirectoryIn(cellsIn(stateDir), id, owner, asRoot);

/** A directory whose `data/` belongs to whoever cells run as. @throws `state_unwritable` */
export async function dataDirectoryIn(
  parent: string,
  id: string,
  owner: Ownership,
  asRoot: boolean,
): Promise<OwnedDirectory> {
  const directory = await createOwnedDirectory(parent, id, owner);
  try {
    if (asRoot) await chown(directory.path, NOBODY, NOBODY);
  } catch (cause) {
    await directory.remove();
    throw unwritable(parent, cause);
  }
  return directory;
}

/** Removes the data of cells that are wanted away. */
export const sweepDataDirectories = (stateDir: string, isWanted: Wanted): Promise<readonly string[]> =>
  sweepOwnedDirectories(cellsIn(stateDir), isWanted);
