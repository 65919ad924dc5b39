import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster/core';
import type { Ownership, Wanted } from './labels.js';
import { sweepOwnedDirectories } from './owned-directory.js';
import { writeOwner } from './owner-file.js';
import { removeTree } from './remove-tree.js';

/**
 * A directory of this machine that belongs to one cell: `<runtime dir>/<id>/`, with `owner.json`, the sockets that clients
 * use, and `s/`, where the cell puts its own.
 */
export interface CellDirectory {
  readonly id: string;
  /** 0700. */
  readonly path: string;
  /** 0777, so that any user inside a cell can make its socket there; safe because the way to it is 0700. */
  readonly socketDir: string;
  /** Idempotent. */
  remove(): Promise<void>;
}

/** A socket path has at most 107 bytes; what is left after this is for the socket's own name. */
const LONGEST_SOCKET_DIR = 80;

/** @throws `state_unwritable` */
export async function createCellDirectory(runtimeDir: string, owner: Ownership): Promise<CellDirectory> {
  const id = randomBytes(6).toString('hex');
  const path = join(runtimeDir, id);
  const socketDir = join(path, 's');
  if (Buffer.byteLength(socketDir) > LONGEST_SOCKET_DIR) {
    throw new MusterError(
      'state_unwritable',
      `The directory for sockets ${runtimeDir} has too long a path: choose one of at most ${LONGEST_SOCKET_DIR - 15} bytes`,
    );
  }
  const remove = (): Promise<void> => removeTree(path);
  try {
    await mkdir(runtimeDir, { recursive: true, mode: 0o700 });
    await refuseForeign(runtimeDir);
    await mkdir(path, { mode: 0o700 });
    await writeOwner(path, owner);
    await mkdir(socketDir);
    await chmod(socketDir, 0o777);
  } catch (cause) {
    await remove();
    throw new MusterError(
      'state_unwritable',
      `Cannot make a directory for sockets in ${runtimeDir}: check that it is a directory, yours, and writable for you alone`,
      { cause },
    );
  }
  return { id, path, socketDir, remove };
}

/** Where everybody may make directories (/tmp), somebody else may have made this one first, to look into it. */
async function refuseForeign(directory: string): Promise<void> {
  const { uid, mode } = await lstat(directory);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new Error(`${directory} belongs to another user, or others may write into it`);
  }
}

/** Removes directories of cells that are wanted away; touches nothing that has no owner file of ours. */
export const sweepCellDirectories = (runtimeDir: string, isWanted: Wanted): Promise<readonly string[]> =>
  sweepOwnedDirectories(runtimeDir, isWanted);
