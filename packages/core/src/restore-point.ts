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
  | { readonly kind: 'time'; readonly time: string }
  | WalPoint;

/** A point in WAL, of backups that are recovered from it. */
export type WalPoint =
  /** As of the end of a transaction, with it. Decimal; only its lower 32 bits stand in WAL. */
  | { readonly kind: 'xid'; readonly xid: string }
  /** As of what `pg_create_restore_point` has named so. */
  | { readonly kind: 'name'; readonly name: string }
  /** All WAL before this location, `16/B374D848`, and nothing from it on. */
  | { readonly kind: 'lsn'; readonly lsn: string };

export const isWalPoint = (point: RestorePoint): point is WalPoint =>
  point.kind === 'xid' || point.kind === 'name' || point.kind === 'lsn';

/** The word of a point in WAL. */
export function walWord(point: WalPoint): string {
  switch (point.kind) {
    case 'xid':
      return point.xid;
    case 'name':
      return point.name;
    case 'lsn':
      return point.lsn;
  }
}

/** A point in WAL by its word; undefined where that is none. */
export function readWalPoint(kind: WalPoint['kind'], word: string): WalPoint | undefined {
  switch (kind) {
    case 'xid':
      return isXid(word) ? { kind, xid: word } : undefined;
    case 'name':
      return isPointName(word) ? { kind, name: word } : undefined;
    case 'lsn':
      return readLsn(word) === undefined ? undefined : { kind, lsn: word };
  }
}

export const EXPECTED_POINT = {
  xid: 'expected the number of a transaction, such as 123456',
  name: 'expected the name of a restore point: 63 bytes at most, without control characters',
  lsn: 'expected a location in WAL, such as 16/B374D848',
} as const;

/** 0 to 2 are none of a user's. */
const isXid = (text: string): boolean =>
  /^[1-9]\d{0,19}$/.test(text) && BigInt(text) < 2n ** 64n && BigInt.asUintN(32, BigInt(text)) > 2n;

/** `NAMEDATALEN` without its end. */
const MOST_NAME_BYTES = 63;

const isPointName = (text: string): boolean =>
  text !== '' && !/\p{C}/u.test(text) && new TextEncoder().encode(text).length <= MOST_NAME_BYTES;

/** The position that a location in WAL means, in bytes; undefined where it is none. */
export function readLsn(text: string): bigint | undefined {
  const [, high, low] = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text) ?? [];
  return high === undefined || low === undefined
    ? undefined
    : (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** A restore point as it is written in a configuration and asked of the API. */
export type WrittenRestorePoint =
  | 'latest'
  | 'oldest'
  | 'random'
  | { readonly id: string }
  | { readonly random: { readonly days: number } }
  | { readonly time: string }
  /** A number that a double holds, or decimal digits. */
  | { readonly xid: number | string }
  | { readonly name: string }
  | { readonly lsn: string };

export function readRestorePoint(written: WrittenRestorePoint): RestorePoint {
  if (typeof written === 'string') return { kind: written };
  if ('id' in written) return { kind: 'id', id: written.id };
  if ('time' in written) return { kind: 'time', time: written.time };
  if ('xid' in written) return { kind: 'xid', xid: String(written.xid) };
  if ('name' in written) return { kind: 'name', name: written.name };
  if ('lsn' in written) return { kind: 'lsn', lsn: written.lsn };
  return { kind: 'random', days: written.random.days };
}

export function writeRestorePoint(point: RestorePoint): WrittenRestorePoint {
  switch (point.kind) {
    case 'id':
      return { id: point.id };
    case 'time':
      return { time: point.time };
    case 'xid':
      return { xid: point.xid };
    case 'name':
      return { name: point.name };
    case 'lsn':
      return { lsn: point.lsn };
    case 'random':
      return point.days === undefined ? 'random' : { random: { days: point.days } };
    default:
      return point.kind;
  }
}

/** Every kind there is. */
export const RESTORE_POINT_KINDS = [
  'latest',
  'oldest',
  'random',
  'id',
  'time',
  'xid',
  'name',
  'lsn',
] as const satisfies readonly RestorePoint['kind'][];

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

/** The word of a restore point in plans and receipts: an id, `14d`, a time in UTC, a point in WAL; some have none. */
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
    case 'xid':
    case 'name':
    case 'lsn':
      return walWord(point);
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
    case 'xid':
    case 'name':
    case 'lsn':
      return asked === undefined ? undefined : readWalPoint(kind, asked);
  }
}

function daysOf(word: string): number | undefined {
  const days = Number(/^([1-9]\d{0,4})d$/.exec(word)?.[1]);
  return days <= MOST_DAYS ? days : undefined;
}
