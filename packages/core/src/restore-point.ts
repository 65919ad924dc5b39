import { z } from 'zod';
import { parseDuration } from './duration.js';

/** Which backup of a source a drill restores. */
export type RestorePoint =
  | { readonly kind: 'latest' }
  | { readonly kind: 'oldest' }
  | { readonly kind: 'id'; readonly id: string }
  /** Any of those that were made in so many days before the drill's own time; absent = any there is. */
  | { readonly kind: 'random'; readonly days?: number }
  /** As of a time: {@link restoreTime}. */
  | { readonly kind: 'time'; readonly time: string };

/** A restore point as it is written in a configuration and asked of the API. */
export type WrittenRestorePoint =
  | 'latest'
  | 'oldest'
  | 'random'
  | { readonly id: string }
  | { readonly random: { readonly days: number } }
  | { readonly time: string };

export function readRestorePoint(written: WrittenRestorePoint): RestorePoint {
  if (typeof written === 'string') return { kind: written };
  if ('id' in written) return { kind: 'id', id: written.id };
  if ('time' in written) return { kind: 'time', time: written.time };
  return { kind: 'random', days: written.random.days };
}

export function writeRestorePoint(point: RestorePoint): WrittenRestorePoint {
  switch (point.kind) {
    case 'id':
      return { id: point.id };
    case 'time':
      return { time: point.time };
    case 'random':
      return point.days === undefined ? 'random' : { random: { days: point.days } };
    default:
      return point.kind;
  }
}

const DAY_MS = 86_400_000;
const RFC_3339 = z.iso.datetime({ offset: true });

/** The most days that a window may have: a hundred years. */
export const MOST_DAYS = 36_500;

export const EXPECTED_TIME =
  'expected a time such as 2026-11-20T03:00:00Z, or how long before the drill, such as -2h';

/** The time that is meant: RFC 3339 with its zone, or `-2h` before the drill's own time; undefined where it is neither. */
export function restoreTime(text: string, drillAt: Date): Date | undefined {
  if (text.startsWith('-')) {
    const before = parseDuration(text.slice(1));
    const at = new Date(drillAt.getTime() - (before ?? Number.NaN));
    return Number.isNaN(at.getTime()) ? undefined : at;
  }
  return RFC_3339.safeParse(text).success ? new Date(text) : undefined;
}

/** From when to when the backups were made that a random one is drawn from, both inclusive. */
export function randomWindow(days: number, drillAt: Date): { readonly from: Date; readonly to: Date } {
  return { from: new Date(drillAt.getTime() - days * DAY_MS), to: drillAt };
}

/** The word of a restore point in plans and receipts: an id, `14d`, a time in UTC; some have none. */
export function askedWord(point: RestorePoint, drillAt: Date): string | undefined {
  switch (point.kind) {
    case 'latest':
    case 'oldest':
      return undefined;
    case 'id':
      return point.id;
    case 'random':
      return point.days === undefined ? undefined : `${point.days}d`;
    case 'time':
      return restoreTime(point.time, drillAt)?.toISOString();
  }
}

/** The restore point of such a word; undefined where there is none. */
export function readAskedWord(
  kind: RestorePoint['kind'],
  asked: string | undefined,
): RestorePoint | undefined {
  switch (kind) {
    case 'latest':
    case 'oldest':
      return { kind };
    case 'id':
      return asked === undefined ? undefined : { kind, id: asked };
    case 'random': {
      if (asked === undefined) return { kind };
      const days = daysOf(asked);
      return days === undefined ? undefined : { kind, days };
    }
    case 'time':
      return asked !== undefined && RFC_3339.safeParse(asked).success ? { kind, time: asked } : undefined;
  }
}

function daysOf(word: string): number | undefined {
  const days = Number(/^([1-9]\d{0,4})d$/.exec(word)?.[1]);
  return days <= MOST_DAYS ? days : undefined;
}
