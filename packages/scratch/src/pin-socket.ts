import { chmod, link, lstat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, MusterError } from '@muster/core';
import type { CellDirectory } from './cell-directory.js';

/**
 * Gives the server's socket a name beside the directory that the cell can write to. Clients use that one: a hostile
 * process may replace the name it sees by a link to another server of this machine, and a check would ask the wrong one.
 *
 * A hard link where the kernel grants it (root, or the socket's owner); else the shared directory is closed to the cell,
 * which then runs as somebody else. Called before the cell has seen any byte of a backup. @throws `launch_failed`
 */
export async function pinSocket({ path, socketDir }: CellDirectory, name: string): Promise<void> {
  const shared = join(socketDir, name);
  const pinned = join(path, name);
  try {
    const owned = (await tryLink(shared, pinned)) ? pinned : shared;
    if (owned === shared) {
      await chmod(socketDir, 0o755);
      await symlink(shared, pinned);
    }
    if ((await lstat(owned)).isSocket()) return;
  } catch (cause) {
    throw new MusterError('launch_failed', `The server's socket ${name} could not be reached`, { cause });
  }
  throw new MusterError('launch_failed', `The server's ${name} is not a socket`);
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EPERM' || code === 'EXDEV') return false;
    throw error;
  }
}
