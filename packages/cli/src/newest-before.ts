import { newestMark, UNCHANGED_DRILLS } from '@muster/core';
import { type EvidenceStore, type Keyring, verifyReceipt } from '@muster/evidence';

/** Further back nobody looks: what is drilled less than three times a year is watched by other means. */
const MONTHS = 12;
/** Some say nothing of a newest backup, because nothing was found or nobody looked. */
const MOST_READ = 10;

/** The newest backups that the last drills of a source found, as marks: out of their receipts in the evidence store. */
export async function newestBefore(
  store: EvidenceStore,
  keyring: Keyring,
  slug: string,
  now: Date,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const marks: string[] = [];
  let read = 0;
  for await (const key of newestKeys(store, slug, now, signal)) {
    read += 1;
    const { exitCode, statement } = await verifyReceipt(
      await store.get(key, signal),
      { keyring, requirePass: false },
      signal,
    );
    const newest = exitCode === 0 ? statement?.predicate.newest_backup : undefined;
    if (newest !== undefined) marks.push(newestMark(newest));
    if (marks.length === UNCHANGED_DRILLS || read === MOST_READ) break;
  }
  return marks;
}

/** Month by month, so that years of receipts are not listed for three. */
async function* newestKeys(
  store: EvidenceStore,
  slug: string,
  now: Date,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  for (let back = 0; back < MONTHS; back += 1) {
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back))
      .toISOString()
      .slice(0, 7);
    const prefix = `receipts/${slug}/${month.replace('-', '/')}/`;
    yield* (await Array.fromAsync(store.list(prefix, signal))).toReversed();
  }
}
