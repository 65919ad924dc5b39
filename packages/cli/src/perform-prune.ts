import { expireSets, type LookAtDrills, type Pruned, prune } from '@muster/backups';
import { MusterError, type Source } from '@muster/core';
import { backupRepository, ownBackups } from './backup-repository.js';
import type { Environment } from './environment.js';
import { pgbackrestHere } from './pgbackrest-here.js';

export interface PruneAsked {
  readonly source: Source;
  /** What is known of its drills. */
  readonly drills: LookAtDrills;
  readonly dryRun: boolean;
  /** A person said so: also where none of the backups has passed a drill. */
  readonly unproven: boolean;
  /** What tools print, for the diagnosis file alone. */
  readonly onOutput: (text: string) => void;
}

/** All that is read, asked and deleted. */
const LIMIT_MS = 60 * 60 * 1000;

/**
 * Deletes those backups of a source that Muster took and that its `take.retain` does not keep.
 * @throws `usage` where it has none, or keeps no backups; what {@link prune}, {@link expireSets} and `drills` throw.
 */
export async function pruneBackups(
  environment: Environment,
  { source, drills, onOutput, ...how }: PruneAsked,
  signal: AbortSignal,
): Promise<Pruned> {
  const { slug, kind, backup, take } = source;
  if (backup.type === 'live')
    throw new MusterError('usage', `The source "${slug}" is dumped live: it keeps no backups to prune.`);
  if (take?.retain === undefined) {
    throw new MusterError(
      'usage',
      `The source "${slug}" has no take.retain, so that nothing of it is ever deleted: say how many are kept, such as take: { retain: { count: 7, days: 14 } }.`,
    );
  }
  const request = { source: { slug, kind }, retain: take.retain, takeMs: take.limitMs, ...how };
  const ports = { repository: backupRepository(environment, kind, backup), drills, now: environment.now };
  const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  if (backup.type === 'dump')
    return await prune({ ...ports, own: ownBackups(environment, backup) }, request, limited);
  const tool = pgbackrestHere(environment, source, backup);
  const expire = async (options: readonly string[]): Promise<void> => {
    await tool.run('expire', ['--repo=1', ...options], (line) => onOutput(`${line}\n`), limited);
  };
  return await expireSets({ ...ports, expire }, request, limited);
}
