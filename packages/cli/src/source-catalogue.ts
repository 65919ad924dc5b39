import { type Catalogued, catalogueOf } from '@muster/backups';
import { type Catalogue, isMusterError, isReason, MusterError, type Reason, type Source } from '@muster/core';
import { backupRepository, ownBackups } from './backup-repository.js';
import type { Environment } from './environment.js';

/** What backups a source has; undefined of one that is dumped live. @throws the reasons of a drill, `time_limit`. */
export async function sourceCatalogue(
  environment: Environment,
  { slug, kind, backup, limits }: Source,
  signal: AbortSignal,
): Promise<Catalogued | undefined> {
  if (backup.type === 'live') return undefined;
  const own = backup.type === 'dump' ? ownBackups(environment, backup) : undefined;
  const limit = AbortSignal.timeout(limits.locate);
  try {
    const repository = backupRepository(environment, kind, backup);
    return await catalogueOf(repository, own, AbortSignal.any([signal, limit]));
  } catch (error) {
    if (signal.aborted || !limit.aborted) throw error;
    throw new MusterError(
      'time_limit',
      `To list the backups of the source "${slug}" took longer than ${limits.locate / 1000} s: raise limits.locate, or find what is slow.`,
      { cause: error },
    );
  }
}

/** The same for those who cannot look themselves: what kept it from listing is a code, and no message. */
export async function toldCatalogue(
  environment: Environment,
  source: Source,
  worker: string,
  signal: AbortSignal,
): Promise<Catalogue> {
  const seen = { at: environment.now().toISOString(), host: environment.hostname, worker };
  try {
    const catalogued = await sourceCatalogue(environment, source, signal);
    if (catalogued === undefined) return { ...seen, backups: [], count: 0 };
    return { ...seen, ...catalogued, backups: [...catalogued.backups] };
  } catch (error) {
    signal.throwIfAborted();
    return { ...seen, backups: [], count: 0, reason: reasonOf(error) };
  }
}

const reasonOf = (error: unknown): Reason =>
  isMusterError(error) && isReason(error.code) ? error.code : 'internal_error';
