import { mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type KeptPlace, keptData, keptLabel, keptOwner, readKeptLabel } from '../kept-data.js';
import type { Ownership, Wanted } from '../labels.js';
import { type OwnedDirectory, sweepOwnedDirectories } from '../owned-directory.js';
import { readOwner } from '../owner-file.js';
import { removeTree } from '../remove-tree.js';
import type { KeptData, KeptState } from '../scratch.js';
import { createDataDirectory, dataDirectoryIn } from './data-directory.js';

/** Data that a cell has and that is to be kept; `remove` gives it back, unless it is spoiled. */
export interface KeptDirectory extends OwnedDirectory {
  readonly state: KeptState;
  spoil(): void;
}

const keptIn = (stateDir: string): string => join(stateDir, 'kept');
/** In the directory of the cell that has it. */
const TAKEN = 'kept';

/**
 * Moves `<state dir>/kept/<id>/` into the directory of one cell, by a rename, which only one can win. So what a cell had
 * that died with its worker is swept with it. @throws `state_unwritable`
 */
export async function takeKept(
  { stateDir, asRoot }: { readonly stateDir: string; readonly asRoot: boolean },
  cellId: string,
  owner: Ownership,
  place: KeptPlace,
  now = new Date(),
): Promise<KeptDirectory> {
  const cell = await createDataDirectory(stateDir, cellId, owner, asRoot);
  const cellDirectory = dirname(cell.path);
  const home = join(keptIn(stateDir), place.id);
  const taken = join(cellDirectory, TAKEN);
  try {
    const kept = keptLabel(place, place.id);
    const isThere = await take(home, taken, kept, now);
    if (!isThere) {
      await dataDirectoryIn(cellDirectory, TAKEN, keptOwner(kept, now), asRoot);
    }
    const state = isThere ? 'kept' : (await isTakenElsewhere(cellDirectory, place.id)) ? 'throwaway' : 'new';
    let isSpoiled = state === 'throwaway';
    return {
      path: join(taken, 'data'),
      state,
      spoil: () => {
        isSpoiled = true;
      },
      remove: async () => {
        if (!isSpoiled) {
          await mkdir(keptIn(stateDir), { recursive: true, mode: 0o700 }).catch(() => {});
          // What another cell gave back before stays.
          await rename(taken, home).catch(() => {});
        }
        await cell.remove();
      },
    };
  } catch (error) {
    await cell.remove();
    throw error;
  }
}

/** Whether something was there that may be used. */
async function take(home: string, taken: string, kept: string, now: Date): Promise<boolean> {
  if (!(await rename(home, taken).then(isDone, () => false))) return false;
  const owner = await readOwner(taken);
  if (owner?.kept === kept && owner.expiresAt > now) return true;
  await removeTree(taken);
  return false;
}

const isDone = (): boolean => true;

/** Two that look at once may each see the other, and then neither keeps what it has. */
async function isTakenElsewhere(cellDirectory: string, id: string): Promise<boolean> {
  const cells = dirname(cellDirectory);
  for (const name of await readdir(cells).catch(() => [])) {
    const other = join(cells, name);
    const kept = other === cellDirectory ? undefined : (await readOwner(join(other, TAKEN)))?.kept;
    if (kept !== undefined && readKeptLabel(kept).word === id) return true;
  }
  return false;
}

/** What is kept, and what a cell has of it. */
export async function listKept(stateDir: string): Promise<readonly KeptData[]> {
  const namesIn = (directory: string) => readdir(directory).catch(() => []);
  const [home, cells] = [keptIn(stateDir), join(stateDir, 'cells')];
  const paths = [
    ...(await namesIn(home)).map((name) => join(home, name)),
    ...(await namesIn(cells)).map((name) => join(cells, name, TAKEN)),
  ];
  const found = await Promise.all(paths.map(async (path) => keptData(path, await readOwner(path))));
  return found.filter((one) => one !== undefined);
}

/** Removes what is kept and wanted away. */
export const sweepKept = (stateDir: string, isWanted: Wanted): Promise<readonly string[]> =>
  sweepOwnedDirectories(keptIn(stateDir), isWanted);
