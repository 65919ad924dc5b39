import { findTaken, type Taken } from '@muster/backups';
import type { Source } from '@muster/core';
import { backupRepository, ownBackups } from './backup-repository.js';
import type { Environment } from './environment.js';
import { takePlace } from './perform-take.js';

/** What a take had published before its worker died, in the place where backups of its source are. */
export async function takenBefore(
  environment: Environment,
  { kind, backup }: Source,
  takeId: string,
  signal: AbortSignal,
): Promise<Pick<Taken, 'backupId' | 'sizeBytes'> | undefined> {
  if (backup.type === 'live') return undefined;
  const repository = backupRepository(environment, kind, backup);
  if (backup.type === 'pgbackrest') return await findTaken({ repository }, takeId, signal);
  const ports = { repository, own: ownBackups(environment, backup), place: takePlace(backup, environment) };
  return await findTaken(ports, takeId, signal);
}
