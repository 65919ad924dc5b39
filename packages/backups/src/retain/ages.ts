const DAY_MS = 86_400_000;

/**
 * Which backups are of the last `days`, and which are older than that. Ages are summed from one backup to the next, and a
 * pause counts for half of `days` at the most (a day, where that is more): a clock that was set forward, or takes that
 * stood still, make no backup older than that.
 * @param backups - newest first; none is dated in the future.
 */
export function agesOf<T extends { readonly createdAt: Date }>(
  backups: readonly T[],
  days: number | undefined,
  now: Date,
): { readonly isWithin: (backup: T) => boolean; readonly isBefore: (backup: T) => boolean } {
  if (days === undefined) return { isWithin: () => false, isBefore: () => false };
  const [limit, longest] = [days * DAY_MS, Math.max(days / 2, 1) * DAY_MS];
  const ages = new Map<T, number>();
  let [age, later] = [0, now];
  for (const backup of backups) {
    age += Math.min(longest, Math.max(0, later.getTime() - backup.createdAt.getTime()));
    later = backup.createdAt;
    ages.set(backup, age);
  }
  return {
    isWithin: (backup) => (ages.get(backup) ?? Infinity) <= limit,
    isBefore: (backup) => (ages.get(backup) ?? 0) >= limit,
  };
}
