import { timeInName } from './made-at.js';
import type { Backup } from './repository.js';

/** What lies beside backups for the whole cluster, found when a place was listed. */
export interface FoundGlobals extends NonNullable<Backup['globals']> {
  readonly mtime: Date;
}

/** Globals and dumps of one run are made one after the other, in any order. */
const ONE_RUN_MS = 60 * 60_000;

/** Endings of names that say a format. */
const FORMAT = /\.(?:dump|backup|bak|sql|pgdump|custom|dir|tar|gz|zst|age)$/i;
const OF_CLUSTER = /[._-]?(?:globals?|roles)$/i;

/**
 * Tells which globals are those of a backup: such of its own name (`shop_20261121.globals.sql`); else the newest with a date in their name
 * that were made before it, or within an hour after; else the newest of those that name no date (`globals.sql`).
 */
export function globalsOf(found: readonly FoundGlobals[]): (backup: Backup) => Backup['globals'] {
  const newestFirst = found.toSorted((a, b) => b.mtime.getTime() - a.mtime.getTime());
  const stems = newestFirst.map((one) => ({ one, stem: stemOf(one.artefact.name) }));
  const owned = new Map(stems.toReversed().map(({ one, stem }) => [stem.replace(OF_CLUSTER, ''), one]));
  const dated = newestFirst
    .flatMap((one) => {
      const at = timeInName(one.artefact.name);
      return at === undefined ? [] : [{ one, at: at.getTime() }];
    })
    .toSorted((a, b) => a.at - b.at);
  const undated = stems.find(({ stem }) => timeInName(stem) === undefined && OF_CLUSTER.test(stem))?.one;
  return ({ id, createdAt }) => {
    const by = (timeInName(id) ?? createdAt).getTime() + ONE_RUN_MS;
    const one = owned.get(stemOf(id)) ?? lastBy(dated, by) ?? undated;
    return one && { artefact: one.artefact, location: one.location };
  };
}

function stemOf(name: string): string {
  const shorter = name.replace(FORMAT, '');
  return shorter === name ? name : stemOf(shorter);
}

/** Of what is sorted by time the last that is not later. */
function lastBy(sorted: readonly { readonly one: FoundGlobals; readonly at: number }[], by: number) {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle]?.at ?? 0) <= by) from = middle + 1;
    else to = middle;
  }
  return sorted[from - 1]?.one;
}
