import { MusterError } from '@muster/core';
import type { BackupReader } from './describe-backups.js';
import { timeInName } from './made-at.js';

/**
 * Whether a directory of these files is one database of the dump that it lies in, and no backup by itself. Beside it lie
 * the others of that dump, of which the newest would be taken for the whole. `names`: its own, and that of where it is
 * linked to; a date in one of them says that it is a backup of just that database.
 */
export const isPartOfDump = (
  engine: BackupReader,
  names: readonly string[],
  files: readonly string[],
): boolean => engine.isOneDatabase(files) && names.every((name) => timeInName(name) === undefined);

export interface Instead {
  /** What may hold the backups; absent = nothing does. */
  readonly holder?: string | undefined;
  /** Name of the database whose directory gave it away. */
  readonly part?: string | undefined;
  readonly cause?: unknown;
}

/** A slip in the configuration says nothing about the backup. */
export function noDirectoryOfBackups(location: string, { holder, part, cause }: Instead): MusterError {
  const why =
    part === undefined
      ? ''
      : `: its directory ${part} is one database of a dump, as mongodump --out writes it (the directory of a backup of just one database has the date in its name)`;
  const such = holder === undefined ? 'put each backup in a directory of its own there' : `such as ${holder}`;
  return new MusterError(
    'backup_unreadable',
    `${location} is no directory of backups${why}: set backup.location of the source to the directory that holds them, ${such}.`,
    { cause },
  );
}
