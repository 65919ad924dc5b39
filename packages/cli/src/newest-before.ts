import { newestMark, UNCHANGED_DRILLS } from '@muster/core';
import type { EvidenceStore, Keyring } from '@muster/evidence';
import { newestReceipts } from './newest-receipts.js';

/**
 * What is drilled less than three times a year is watched by other means. Some receipts say nothing of a newest backup,
 * because nothing was found or nobody looked.
 */
const BOUNDS = { months: 12, receipts: 10 };

/** The newest backups that the last drills of a source found, as marks: out of their receipts in the evidence store. */
export async function newestBefore(
  store: EvidenceStore,
  keyring: Keyring,
  slug: string,
  now: Date,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const marks: string[] = [];
  const receipts = newestReceipts(store, async () => keyring, { slug, now }, BOUNDS, signal);
  for await (const { newest_backup: newest } of receipts) {
    if (newest !== undefined) marks.push(newestMark(newest));
    if (marks.length === UNCHANGED_DRILLS) break;
  }
  return marks;
}
