import { type Sha256, sha256 } from './digest.js';
import type { Predicate } from './statement.js';

/** A source whose newest backup has been the same in so many drills before: its job may be dead. */
export const UNCHANGED_DRILLS = 3;

/** The code of the warning in a receipt. */
export const NEWEST_UNCHANGED = 'newest_unchanged';

/** Stands for one backup as it was made: a file that is written anew under its name is another. */
export function newestMark({
  id,
  created_at,
}: Pick<NonNullable<Predicate['newest_backup']>, 'id' | 'created_at'>): Sha256 {
  return sha256(`${created_at} ${id}`);
}
