import { createHash } from 'node:crypto';
import { decodeTime, encodeTime, ulid } from 'ulid';
import { MusterError } from './error.js';

/** `drl_` and a ULID of a year with four digits, as RFC 3339 and the paths of evidence have them: until 9983. */
export const DRILL_ID = /^drl_(?:[0-6][0-9A-HJKMNP-TV-Z]|7[0-5])[0-9A-HJKMNP-TV-Z]{24}$/;

/**
 * A new drill id whose ULID time is `now`.
 * @param random numbers in [0, 1); the default is cryptographically random.
 */
export function newDrillId(now: Date, random?: () => number): string {
  return `drl_${ulid(now.getTime(), random)}`;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_LETTERS = 16;

/**
 * The id of the drill that a schedule asks for at `due`: its ULID time is the due time, and the rest is derived from
 * slug, schedule and due time. So a tick that fires twice, late, or is found missing, is the same drill.
 */
export const scheduledDrillId = (slug: string, schedule: string, due: Date): string =>
  `drl_${scheduledUlid(slug, schedule, due)}`;

/** The same of a take: its schedule is one of `take.schedules`. */
export const scheduledTakeId = (slug: string, schedule: string, due: Date): string =>
  `tak_${scheduledUlid(slug, schedule, due)}`;

function scheduledUlid(slug: string, schedule: string, due: Date): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([slug, schedule, due.toISOString()]))
    .digest();
  const letters = [...digest.subarray(0, RANDOM_LETTERS)].map((byte) => CROCKFORD[byte % CROCKFORD.length]);
  return `${encodeTime(due.getTime())}${letters.join('')}`;
}

/** The time within a drill id. @throws `usage` where it is none. */
export function drillTime(drillId: string): Date {
  if (!DRILL_ID.test(drillId)) {
    throw new MusterError('usage', 'That is not the id of a drill: ids are drl_ and 26 characters.');
  }
  return new Date(decodeTime(drillId.slice('drl_'.length)));
}

/** When a take was due, or asked for: the time within its id. */
export const takeTime = (takeId: string): Date => new Date(decodeTime(takeId.slice('tak_'.length)));

/** Where the evidence store keeps the plan of a drill (receipts.md); the date is the id's own. */
export function planKey(slug: string, drillId: string): string {
  return `plans/${dated(slug, drillId)}.json`;
}

/** Where the evidence store keeps the receipt of a drill (receipts.md); the date is the id's own. */
export function receiptKey(slug: string, drillId: string): string {
  return `receipts/${dated(slug, drillId)}.sigstore.json`;
}

/** Where the evidence store keeps the listing that a random choice was drawn from (receipts.md). */
export function listingKey(listingSha256: string): string {
  return `listings/${listingSha256.slice('sha256:'.length)}.json`;
}

function dated(slug: string, drillId: string): string {
  if (!/^[a-z0-9-]+$/.test(slug)) throw new MusterError('usage', 'That is not the slug of a source.');
  const time = drillTime(drillId);
  const year = String(time.getUTCFullYear()).padStart(4, '0');
  const month = String(time.getUTCMonth() + 1).padStart(2, '0');
  const day = String(time.getUTCDate()).padStart(2, '0');
  return `${slug}/${year}/${month}/${day}/${drillId}`;
}
