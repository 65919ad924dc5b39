import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { MusterError } from '@muster/core';

/**
 * Makes sure that a directory holds all of a dump itself: its digest covers files alone, and behind a link may be any
 * file of the machine, which the drill would restore and show. @throws `backup_unreadable`, `truncated`.
 */
export async function requireOwnFiles(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) continue;
    const path = JSON.stringify(relative(directory, join(entry.parentPath, entry.name)));
    if (entry.isSymbolicLink()) {
      throw new MusterError(
        'backup_unreadable',
        `The backup's ${path} is a link, and links are not followed: what they lead to may be changed without it. Store the file itself.`,
      );
    }
    throw new MusterError(
      'truncated',
      `The backup's ${path} is neither a file nor a directory: what it should hold is not there. Take another backup.`,
    );
  }
}
