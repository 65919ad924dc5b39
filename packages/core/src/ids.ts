import { decodeTime, ulid } from 'ulid';
import { MusterError } from './error.js';

/** `drl_` and a ULID. */
export const DRILL_ID = /^drl_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/**
 * A new drill id whose ULID time is `now`.
 * @param random numbers in [0, 1); the default is cryptographically random.
 */
export function newDrillId(now: Date, random?: () => number): string {
  return `drl_${ulid(now.getTime(), random)}`;
}

/** The time within a drill id. @throws `usage` where it is none. */
export function drillTime(drillId: string): Date {
  if (!DRILL_ID.test(drillId)) {
    throw new MusterError('usage', 'That is not the id of a drill: ids are drl_ and 26 characters.');
  }
  return new Date(decodeTime(drillId.slice('drl_'.length)));
}

/** Where the evidence store keeps the plan of a drill (receipts.md); the date is the id's own. */
export function planKey(slug: string, drillId: string): string {
  return `plans/${dated(slug, drillId)}.json`;
}

/** Where the evidence store keeps the receipt of a drill (receipts.md); the date is the id's own. */
export function receiptKey(slug: string, drillId: string): string {
  return `receipts/${dated(slug, drillId)}.sigstore.json`;
}

function dated(slug: string, drillId: string): string {
  if (!/^[a-z0-9-]+$/.test(slug)) throw new MusterError('usage', 'That is not the slug of a source.');
  const time = drillTime(drillId);
  const year = String(time.getUTCFullYear()).padStart(4, '0');
  const month = String(time.getUTCMonth() + 1).padStart(2, '0');
  const day = String(time.getUTCDate()).padStart(2, '0');
  return `${slug}/${year}/${month}/${day}/${drillId}`;
}
