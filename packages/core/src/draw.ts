import { z } from 'zod';
import { broken } from './broken.js';
import { type Sha256, sha256 } from './digest.js';
import { drillTime } from './ids.js';
import { canonicalJson } from './jcs.js';
import { randomWindow, readAskedWord } from './restore-point.js';
import type { Predicate } from './statement.js';

/** One backup in the listing that a random choice is drawn from. */
export interface ListedBackup {
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly created_at: string;
  readonly size_bytes: number;
}

const listingSchema = z.array(
  z.strictObject({ created_at: z.string(), id: z.string(), size_bytes: z.int().nonnegative() }),
);

/** The most that one is drawn from: of more in the window, the newest. So what travels with a receipt has a bound. */
export const MOST_LISTED = 5_000;

export interface Draw {
  /** The JCS form of the listing: an array of {@link ListedBackup}, oldest first, of one time by the bytes of their ids. */
  readonly listing: string;
  readonly listingSha256: Sha256;
  readonly drawn: ListedBackup;
}

/**
 * Draws one backup by lot, seeded by the drill's id, so that anybody can draw again: the first 15 hex digits of
 * SHA-256 over `<drill id> <sha256 of the listing>`, modulo the number of backups, is the index. That prefers no backup
 * by more than 1 in 2^47, which is nothing.
 * @returns undefined where there is nothing to draw from.
 */
export function drawBackup(drillId: string, backups: readonly ListedBackup[]): Draw | undefined {
  // Object storage may hold an object and a directory of one name: the newer is meant by it.
  const each = new Map(backups.toSorted(inOrder).map((one) => [one.id, one]));
  const sorted = [...each.values()].toSorted(inOrder).slice(-MOST_LISTED);
  const listing = canonicalJson(
    sorted.map(({ created_at, id, size_bytes }) => ({ created_at, id, size_bytes })),
  );
  const listingSha256 = sha256(listing);
  const drawn = sorted[drawIndex(drillId, listingSha256, sorted.length)];
  return drawn && { listing, listingSha256, drawn };
}

function drawIndex(drillId: string, listingSha256: string, count: number): number {
  if (count === 0) return -1;
  const digits = sha256(`${drillId} ${listingSha256}`).slice('sha256:'.length, 'sha256:'.length + 15);
  return Number(BigInt(`0x${digits}`) % BigInt(count));
}

/** RFC 3339 in one form sorts as text. */
function inOrder(a: ListedBackup, b: ListedBackup): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1;
  return Buffer.compare(Buffer.from(a.id), Buffer.from(b.id));
}

/** What a receipt says of its random choice that its listing contradicts, one clause each. The digest is checked before. */
export function drawFaults(
  { drill_id: drillId, restore_point: point, newest_backup: newest }: Predicate,
  listing: string,
): string[] {
  const listed = parseListing(listing);
  if (listed === undefined) return ['the listing is none'];
  const asked = readAskedWord(point.kind, point.asked);
  const days = asked?.kind === 'random' ? asked.days : undefined;
  const window = days === undefined ? undefined : randomWindow(days, drillTime(drillId));
  const drawn = listed[drawIndex(drillId, sha256(listing), listed.length)];
  return broken([
    [
      listed.every((one, index) => index === 0 || inOrder(listed[index - 1] ?? one, one) < 0),
      'the listing is not in its order',
    ],
    [
      window === undefined ||
        listed.every(
          ({ created_at: at }) => at >= window.from.toISOString() && at <= window.to.toISOString(),
        ),
      'a backup in the listing was not made in the window that was asked for',
    ],
    [new Set(listed.map(({ id }) => id)).size === listed.length, 'a backup stands twice in the listing'],
    [
      // The head of the one that was drawn may have told another time than the listing.
      newest === undefined ||
        newest.id === point.resolved ||
        listed.every(({ created_at: at }) => at <= newest.created_at),
      'a backup in the listing is newer than the newest',
    ],
    [drawn?.id === point.resolved, 'the lot falls on another backup than the one that was drilled'],
  ]);
}

function parseListing(text: string): readonly ListedBackup[] | undefined {
  try {
    const listed = listingSchema.parse(JSON.parse(text));
    return canonicalJson(listed) === text ? listed : undefined;
  } catch {
    return undefined;
  }
}
