import { MusterError, type Source } from '@muster/core';
import type { Located } from './locate.js';

/**
 * The database that the checks ask: the source's own word, else the one of its connection, else the only one in the
 * backup. @throws `unknown_database`, listing what there is.
 */
export function chooseDatabase(source: Source, located: Located, restored: readonly string[]): string {
  const wanted = source.database ?? (located.kind === 'live' ? located.live.database : undefined);
  const listed = restored.map((name) => JSON.stringify(name)).join(', ');
  if (wanted !== undefined) {
    if (restored.includes(wanted)) return wanted;
    throw new MusterError(
      'unknown_database',
      `The database ${JSON.stringify(wanted)} of the source "${source.slug}" is not in the backup, which holds ${listed}: correct the source's database.`,
    );
  }
  const [only, ...others] = restored;
  if (only !== undefined && others.length === 0) return only;
  throw new MusterError(
    'unknown_database',
    `The backup of the source "${source.slug}" holds several databases (${listed}): name the one to ask with the source's database.`,
  );
}
