import { broken } from './broken.js';
import { drillTime } from './ids.js';
import { randomWindow, readAskedWord } from './restore-point.js';
import type { Predicate } from './statement.js';

/** Which backup it came to, as far as the receipt itself can tell. */
export function restorePointFaults({
  drill_id: drillId,
  restore_point: point,
  backup,
  newest_backup: newest,
}: Predicate): string[] {
  const asked = readAskedWord(point.kind, point.asked);
  const at = backup?.created_at;
  const window =
    asked?.kind === 'random' && asked.days !== undefined
      ? randomWindow(asked.days, drillTime(drillId))
      : undefined;
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
    [
      asked?.kind !== 'time' || at === undefined || Date.parse(at) <= Date.parse(asked.time),
      'the backup was made after the time asked for',
    ],
    [
      window === undefined ||
        at === undefined ||
        (at >= window.from.toISOString() && at <= window.to.toISOString()),
      'the backup was not made in the window asked for',
    ],
  ]);
}
