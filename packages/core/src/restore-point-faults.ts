import { broken } from './broken.js';
import { readAskedWord } from './restore-point.js';
import type { Predicate } from './statement.js';

/**
 * Which backup it came to, as far as the receipt itself can tell. That it is of the time or the days asked for is not
 * among it: a backup is chosen by what its listing knew of it, and its head may then say another time.
 */
export function restorePointFaults({ restore_point: point, newest_backup: newest }: Predicate): string[] {
  const asked = readAskedWord(point.kind, point.asked);
  return broken([
    [asked !== undefined, 'the restore point is none'],
    [
      (point.listing_sha256 !== undefined) === (point.kind === 'random' && point.resolved !== undefined),
      'a random choice and its listing go together',
    ],
    [
      point.kind !== 'latest' ||
        point.resolved === undefined ||
        newest === undefined ||
        newest.id === point.resolved,
      'the restore point is latest, and another backup is the newest',
    ],
    [
      point.kind !== 'id' || point.resolved === undefined || point.resolved === point.asked,
      'the restore point resolved to another id than the one asked for',
    ],
  ]);
}
