import { isFuture } from '@muster/core';
import type { Backup, BackupRepository } from '../repository.js';
import { agesOf } from './ages.js';
import type { Deciding, Decision } from './decide.js';
import { type DrillFacts, mayRead } from './drill-facts.js';
import { type Pruned, type PrunePorts, type PruneRequest, summary } from './prune.js';

export interface ExpirePorts extends Pick<PrunePorts, 'drills' | 'now'> {
  readonly repository: BackupRepository;
  /** Runs `pgbackrest expire` with these options. @throws as whoever runs it says. */
  readonly expire: (options: readonly string[], signal: AbortSignal) => Promise<void>;
}

/**
 * Lets pgBackRest expire what `retain` does not keep of a stanza: full sets, and those that need them, the oldest first,
 * each by its name, for a count would mean others where a set of somebody else comes meanwhile. WAL it knows by a count
 * alone: what is before the newest of those that go. The stanza is one repository's, whoever took its sets.
 */
export async function expireSets(
  { repository, expire, drills, now }: ExpirePorts,
  request: PruneRequest,
  signal: AbortSignal,
): Promise<Pruned> {
  const listed = await repository.list(signal);
  const decideBy = (known: readonly Backup[], facts: DrillFacts) =>
    decideSets(known, { ...request, drills: facts, now: now() });
  const settled = { location: repository.location, broughtBack: [], removed: [] };
  const decided = decideBy(listed, await drills(listed, signal));
  if (request.dryRun || decided.every(({ kept }) => kept !== undefined))
    return { ...settled, ...summary(decided) };
  // The last look: no set can be taken out of what is listed before it is removed.
  const facts = await drills(listed, signal);
  const sets = await repository.list(signal);
  const last = decideBy(sets, facts);
  const going = fullsOf(last.flatMap(({ backup, kept }) => (kept ? [] : [backup])));
  const newest = going.at(-1);
  if (newest === undefined) return { ...settled, ...summary(last) };
  for (const full of going) {
    if (full === newest) {
      // While this one is there, a full set that ends before pgBackRest counts takes its place, and not that of one that stays.
      const fulls = fullsOf(await repository.list(signal));
      if (fulls[0] === newest) await expire(optionsFor(fulls.length), signal);
    }
    await expire([`--set=${full}`, ...optionsFor(MOST)], signal);
  }
  const there = new Set((await repository.list(signal)).map(({ id }) => id));
  const removed = new Set(sets.flatMap(({ id }) => (there.has(id) ? [] : [id])));
  return { ...settled, ...summary(last, removed) };
}

/** As many as pgBackRest lets one ask for: nothing goes by it. */
const MOST = 9_999_999;

/** Before those of a `pgbackrest.conf`: no set goes by its age or a count, and WAL before so many full sets. */
const optionsFor = (fulls: number): readonly string[] => [
  '--repo1-retention-full-type=count',
  `--repo1-retention-full=${MOST}`,
  `--repo1-retention-diff=${MOST}`,
  '--repo1-retention-archive-type=full',
  `--repo1-retention-archive=${fulls}`,
];

/** The label of a full set, and so of all that were made after it. */
const chainOf = (label: string): string => label.split('_')[0] ?? label;

/** The labels of their full sets, the oldest first. */
const fullsOf = (sets: readonly Backup[]): readonly string[] =>
  [...new Set(sets.map(({ id }) => chainOf(id)))].toSorted();

/** Which sets go: whole chains from the oldest on. @param sets - newest first. */
export function decideSets(
  sets: readonly Backup[],
  { retain, drills, now, takeMs, unproven }: Deciding,
): readonly Decision[] {
  const chains = Map.groupBy(sets, ({ id }) => chainOf(id));
  const fulls = [...chains.keys()].toSorted((a, b) => (a < b ? 1 : -1));
  const passed = sets.find(({ id }) => drills.passed.some((one) => one.id === id));
  const readers = new Map(
    drills.open.flatMap((drill) =>
      mayRead(drill, sets, takeMs).map(({ id }) => [chainOf(id), drill.drillId] as const),
    ),
  );
  const ages = agesOf(
    sets.filter(({ createdAt }) => !isFuture(createdAt, now)),
    retain.days,
    now,
  );
  // Every point of those days has a full set before it, as pgBackRest keeps it.
  const first = fulls.find((full) =>
    chains.get(full)?.some((backup) => backup.id === full && ages.isBefore(backup)),
  );
  const keptFor = (full: string, index: number): Decision['kept'] => {
    const members = chains.get(full) ?? [];
    if (members.some(({ createdAt }) => isFuture(createdAt, now))) return { why: 'future' };
    if (index === 0) return { why: 'newest' };
    if (index < (retain.count ?? 0)) return { why: 'count' };
    if (full === first || members.some(ages.isWithin)) return { why: 'days' };
    if (passed !== undefined && chainOf(passed.id) === full) return { why: 'passed' };
    const reader = readers.get(full);
    if (reader !== undefined) return { why: 'drill', detail: reader };
    return passed === undefined && !unproven ? { why: 'unproven' } : undefined;
  };
  const kept = new Map(fulls.map((full, index) => [full, keptFor(full, index)] as const));
  const oldest = fulls.findLastIndex((full) => kept.get(full) !== undefined);
  const newer = new Set(fulls.slice(0, oldest + 1));
  return sets.map((backup) => {
    const full = chainOf(backup.id);
    const why = kept.get(full) ?? (newer.has(full) ? { why: 'newer' as const } : undefined);
    return { backup, ...(why && { kept: why }) };
  });
}
