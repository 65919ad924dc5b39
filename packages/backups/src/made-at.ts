import type { Backup } from './repository.js';

export interface TimeClues {
  /** The format's own header, read as UTC: pg_dump writes the local time of its machine and not its zone. */
  readonly header: Date | undefined;
  readonly name: string;
  readonly mtime: Date;
}

/** A file is finished after its dump began; a header later than that comes from a zone ahead of UTC or a wrong clock. */
const SLACK_MS = 60_000;

const IN_NAME =
  /(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?:[T_ .-]?([0-2]\d)[-:.h]?([0-5]\d)(?:[-:.m]?([0-5]\d))?)?(?!\d)/;

/** When a backup was made: the header's word first, then its name, then the file's time. */
export function madeAt(clues: TimeClues): { readonly at: Date; readonly from: Backup['createdAtFrom'] } {
  const latest = clues.mtime.getTime() + SLACK_MS;
  if (clues.header !== undefined && clues.header.getTime() <= latest)
    return { at: clues.header, from: 'header' };
  const named = timeInName(clues.name);
  if (named !== undefined && named.getTime() <= latest) return { at: named, from: 'name' };
  return { at: clues.mtime, from: 'mtime' };
}

/** The date in a name such as `shop_20261120T030000Z.dump` or `shop-2026-11-20.sql.gz`, read as UTC. */
export function timeInName(name: string): Date | undefined {
  const found = IN_NAME.exec(name);
  if (found === null) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00'] = found;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = new Date(iso);
  // A day that does not exist rolls over: such digits are no date.
  return !Number.isNaN(at.getTime()) && at.toISOString() === iso ? at : undefined;
}
