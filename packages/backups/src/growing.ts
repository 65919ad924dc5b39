/** What one look at a file, or at all files of a directory, tells. */
export interface Look {
  readonly sizeBytes: number;
  readonly mtime: Date;
}

/** What was not written to for so long is taken to be whole. */
const FRESH_MS = 60_000;
/** Between two looks at what is fresh: a writer that is at work writes many times in it. */
const BETWEEN_MS = 500;

export interface GrowingOptions {
  readonly now: Date;
  readonly pause: (ms: number) => Promise<void>;
}

/**
 * Which of these are still being written: they changed between two looks. Nothing is looked at twice, and nothing
 * waited for, where all of them are older than a minute. A writer that pauses is not seen here: what it adds while the
 * backup is read is, and ends the drill with `backup_changed`.
 * @param again looks again; undefined = it is gone.
 */
export async function findGrowing<T extends { readonly look: Look }>(
  listed: readonly T[],
  again: (one: T) => Promise<Look | undefined>,
  { now, pause }: GrowingOptions,
): Promise<ReadonlySet<T>> {
  const fresh = listed.filter(({ look }) => look.mtime.getTime() > now.getTime() - FRESH_MS);
  if (fresh.length === 0) return new Set();
  await pause(BETWEEN_MS);
  const changed = await Promise.all(
    fresh.map(async (one) => {
      const after = await again(one);
      const { sizeBytes, mtime } = one.look;
      return after?.sizeBytes !== sizeBytes || after.mtime.getTime() !== mtime.getTime() ? [one] : [];
    }),
  );
  return new Set(changed.flat());
}
