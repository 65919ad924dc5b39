import { MusterError, type RestorePoint } from '@muster/core';
import type { Backup } from './repository.js';

/** How many names a message lists. */
const SHOWN = 5;

/**
 * The one backup that a restore point means.
 * @param backups newest first.
 * @throws `no_backup`, naming where was looked and what there is.
 */
export function selectBackup(backups: readonly Backup[], point: RestorePoint, location: string): Backup {
  const chosen = choose(backups, point);
  if (chosen !== undefined) return chosen;
  if (backups.length === 0) {
    throw new MusterError(
      'no_backup',
      `No backup was found in ${location}: check that backups are written there, and backup.match if the source has one.`,
    );
  }
  const names = backups.slice(0, SHOWN).map((backup) => backup.id);
  const more = backups.length > SHOWN ? `, and ${backups.length - SHOWN} more` : '';
  const asked = point.kind === 'id' ? `named ${JSON.stringify(point.id)} ` : '';
  throw new MusterError(
    'no_backup',
    `No backup ${asked}is in ${location}. The newest there are: ${names.join(', ')}${more}.`,
  );
}

function choose(backups: readonly Backup[], point: RestorePoint): Backup | undefined {
  switch (point.kind) {
    case 'latest':
      return backups.at(0);
    case 'oldest':
      return backups.at(-1);
    case 'id':
      return backups.find((backup) => backup.id === point.id);
  }
}
