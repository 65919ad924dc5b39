import { MusterError, type Source } from '@muster/core';
import type { Located } from './locate.js';

/** What the shell of MongoDB opens where nothing is named. */
const MONGODB_DEFAULT = 'test';

/**
 * The database that the checks ask: the source's own word, else the one of its connection, else the only one in the
 * backup (in a cluster: beside `postgres`). A MongoDB check names its own database, so that none is needed there: the
 * first is what a person opens.
 * @throws `unknown_database`, listing what there is.
 */
export function chooseDatabase(source: Source, located: Located, restored: readonly string[]): string {
  const listed = restored.map((name) => JSON.stringify(name)).join(', ');
  const wanted = source.database ?? (source.kind === 'postgres' ? connectedTo(located) : undefined);
  if (wanted !== undefined) {
    if (restored.includes(wanted)) return wanted;
    throw new MusterError(
      'unknown_database',
      `The database ${JSON.stringify(wanted)} of the source "${source.slug}" is not in the backup, which holds ${listed || 'none'}: correct the source's database.`,
    );
  }
  const [first, ...others] = ofItsOwn(source, restored);
  if (source.kind === 'mongodb') return first ?? MONGODB_DEFAULT;
  if (first !== undefined && others.length === 0) return first;
  throw new MusterError(
    'unknown_database',
    `The backup of the source "${source.slug}" holds several databases (${listed}): name the one to ask with the source's database.`,
  );
}

/** Every cluster has a database `postgres`, most often an empty one: where there is one other, that is meant. */
const ofItsOwn = ({ kind }: Source, restored: readonly string[]): readonly string[] =>
  kind === 'postgres' && restored.length === 2 ? restored.filter((name) => name !== 'postgres') : restored;

const connectedTo = (located: Located): string | undefined =>
  located.kind === 'live' ? located.live.database : undefined;
