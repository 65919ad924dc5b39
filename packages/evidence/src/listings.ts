import { isMusterError, listingKey, sha256 } from '@muster/core';
import type { EvidenceStore } from './evidence-store.js';

/**
 * Keeps the listing that a random choice was drawn from, under its own digest: before the receipt that names it.
 * @throws `evidence_unwritable`.
 */
export async function putListing(store: EvidenceStore, listing: string, signal: AbortSignal): Promise<void> {
  await store.putOnce(listingKey(sha256(listing)), new TextEncoder().encode(listing), signal);
}

/** The listing of this digest; undefined where the store has it not. @throws `evidence_unwritable`. */
export async function getListing(
  store: EvidenceStore,
  listingSha256: string,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await store.get(listingKey(listingSha256), signal);
  } catch (error) {
    if (isMusterError(error, 'evidence_not_found')) return undefined;
    throw error;
  }
}
