import { basename } from 'node:path/posix';
import { DRILL_ID, drillTime, type Predicate } from '@muster/core';
import { type EvidenceStore, type Keyring, verifyReceipt } from '@muster/evidence';

/** Reads of the store at the same time. */
const AT_ONCE = 8;

export interface Bounds {
  /** Further back nobody looks. */
  readonly months: number;
  readonly receipts: number;
  /** Drills that were asked for before are not wanted. */
  readonly since?: Date | undefined;
}

/** What the receipts of a source say that verify and are its own, the newest drill first. @throws what the store throws. */
export async function* newestReceipts(
  store: EvidenceStore,
  keyring: () => Promise<Keyring>,
  { slug, now }: { readonly slug: string; readonly now: Date },
  { months, receipts, since }: Bounds,
  signal: AbortSignal,
): AsyncGenerator<Predicate, void, undefined> {
  let keys: string[] = [];
  let left = receipts;
  const read = async function* () {
    const options = { keyring: await keyring(), requirePass: false };
    const verified = await Promise.all(
      keys.map(async (key) => ({
        drillId: drillIdOf(key),
        ...(await verifyReceipt(await store.get(key, signal), options, signal)),
      })),
    );
    keys = [];
    for (const { exitCode, statement, drillId } of verified) {
      const predicate = exitCode === 0 ? statement?.predicate : undefined;
      // A copy of another receipt says nothing here, whoever signed that.
      if (predicate?.source.slug === slug && predicate.drill_id === drillId) yield predicate;
    }
  };
  for await (const key of newestKeys(store, `receipts/${slug}`, now, months, signal)) {
    if (since !== undefined && drillTime(drillIdOf(key)) < since) break;
    if (left === 0) break;
    left -= 1;
    keys.push(key);
    if (keys.length === AT_ONCE) yield* read();
  }
  if (keys.length > 0) yield* read();
}

/** The keys of drills below `plans/SLUG` or `receipts/SLUG`, newest first: month by month, so that years are not listed for a few. */
export async function* newestKeys(
  store: EvidenceStore,
  prefix: string,
  now: Date,
  months: number,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  // A month more than there has been: clocks differ, and are set back.
  for (let back = -1; back < months; back += 1) {
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back))
      .toISOString()
      .slice(0, 7);
    const keys = await Array.fromAsync(store.list(`${prefix}/${month.replace('-', '/')}/`, signal));
    yield* keys.filter((key) => DRILL_ID.test(drillIdOf(key))).toReversed();
  }
}

/** The drill that a key of the evidence store is of. */
export const drillIdOf = (key: string): string => basename(key).split('.')[0] ?? '';
