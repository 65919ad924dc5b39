import type { Backup } from './repository.js';
import { inZone } from './zone.js';

export interface TimeClues {
  readonly header: Date | undefined;
  /** The header does not say its zone, and was read as UTC: pg_dump writes the local time of its machine. */
  readonly zoneless?: boolean | undefined;
  readonly name: string;
  readonly mtime: Date;
  /** The zone of headers and names that do not say theirs (IANA). Absent = UTC. */
  readonly zone?: string | undefined;
}

/** A file is finished after its dump began; a header later than that comes from a zone ahead of UTC or a wrong clock. */
const SLACK_MS = 60_000;

/** When a backup was made: the header's word first, then its name, then the file's time. */
export function madeAt(clues: TimeClues): { readonly at: Date; readonly from: Backup['createdAtFrom'] } {
  const latest = clues.mtime.getTime() + SLACK_MS;
  const named = readName(clues.name, clues.zone);
  const header = headerTime(clues, named);
  if (header !== undefined && header.getTime() <= latest) return { at: header, from: 'header' };
  if (named !== undefined && named.at.getTime() <= latest) return { at: named.at, from: 'name' };
  return { at: clues.mtime, from: 'mtime' };
}

const QUARTER_MS = 15 * 60_000;
/** Zones reach from 12 hours behind UTC to 14 ahead of it, in quarters of an hour. */
const MOST_QUARTERS = 14 * 4;

function headerTime({ header, zoneless, zone }: TimeClues, named: Named | undefined): Date | undefined {
  if (header === undefined || !zoneless) return header;
  return zone === undefined ? inZoneOf(header, named) : inZone(header, zone);
}

/**
 * A name that says its zone tells the header's: they are apart by whole quarters of an hour, and what the dump began
 * after its name was made.
 */
function inZoneOf(header: Date, named: Named | undefined): Date {
  if (named === undefined || !named.isZoned) return header;
  const apart = Math.floor((header.getTime() - named.at.getTime() + SLACK_MS) / QUARTER_MS);
  return Math.abs(apart) > MOST_QUARTERS ? header : new Date(header.getTime() - apart * QUARTER_MS);
}

interface Named {
  readonly at: Date;
  /** The name itself says in which zone. */
  readonly isZoned: boolean;
}

const IN_NAME =
  /(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?:[T_ .-]?([0-2]\d)[-:.h]?([0-5]\d)(?:[-:.m]?([0-5]\d))?(Z|[+-][01]\d:?[0-5]\d(?!\d))?)?(?!\d)/;

function readName(name: string, zone?: string): Named | undefined {
  const found = IN_NAME.exec(name);
  if (found === null) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', said] = found;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = new Date(iso);
  // A day that does not exist rolls over: such digits are no date.
  if (Number.isNaN(at.getTime()) || at.toISOString() !== iso) return undefined;
  if (said !== undefined) return { at: new Date(at.getTime() - offsetOf(said)), isZoned: true };
  return { at: zone === undefined ? at : inZone(at, zone), isZoned: false };
}

function offsetOf(said: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(said) ?? [];
  const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return sign === '-' ? -offset : offset;
}

/** The date in a name such as `shop_20261120T030000Z.dump` or `shop-2026-11-20.sql.gz`: in its own zone, else UTC. */
export const timeInName = (name: string): Date | undefined => readName(name)?.at;
