import type { FidelityDifference, FidelityRecord, NotCompared } from '@muster/core';
import { printable } from '../terminal/printable.js';

/** Lines of one receipt name so many. */
const SHOWN = 10;

/** `equal · 12 tables, 10400 rows · contents of 12 · 3 sequences`, then what differs, and what was not compared. */
export function fidelityLines(fidelity: FidelityRecord | undefined): string[] {
  if (fidelity === undefined) return [];
  const { differences = [], more = 0, not_compared: left = [], more_not_compared: moreLeft = 0 } = fidelity;
  return [
    headline(fidelity),
    ...listed(differences.map(differenceText), more),
    ...listed(left.map(notComparedText), moreLeft),
  ].map(printable);
}

function headline({ verdict, level, reason, compared }: FidelityRecord): string {
  if (compared === undefined) return `${verdict} · ${reason === undefined ? '' : WHY[reason]}`;
  const { tables, rows, contents, sequences, objects, sentinels } = compared;
  return [
    verdict,
    level,
    counted(tables, 'table', `, ${rows} rows`),
    level === 'full' && `contents of ${contents}`,
    sequences > 0 && counted(sequences, 'sequence'),
    objects > 0 && counted(objects, 'definition'),
    sentinels > 0 && counted(sentinels, 'sentinel'),
  ]
    .filter(Boolean)
    .join(' · ');
}

const counted = (count: number, word: string, more = ''): string =>
  `${count} ${word}${count === 1 ? '' : 's'}${more}`;

function listed(all: readonly string[], more: number): string[] {
  const others = all.length - SHOWN + more;
  return [...all.slice(0, SHOWN), ...(others > 0 ? [`and ${others} more`] : [])];
}

const differenceText = ({ what, part, name, difference, expected, found }: FidelityDifference): string =>
  difference === 'rows'
    ? `${name}: ${found} rows, not ${expected}`
    : `${part ?? what} ${name}: ${DIFFERS[difference]}`;

const DIFFERS = {
  missing: 'missing',
  unexpected: 'not expected',
  content: 'other content',
  value: 'another value',
  definition: 'defined otherwise',
} as const;

const notComparedText = ({ what, reason }: NotCompared): string => `not compared: ${what} (${WHY[reason]})`;

const WHY = {
  budget: 'no time was left',
  no_snapshot: 'the source has no moment to share with its dump',
  no_rights: 'the user may not read it',
  unsupported: 'Muster does not compare it',
  not_in_dump: 'no dump holds it',
  other_version: 'of another version',
  not_asked: 'not asked for both times',
  changed: 'emptied or written anew meanwhile',
  failed: 'it could not be read',
  too_many: 'too many',
  no_manifest: 'nothing was recorded when the backup was taken',
  malformed: 'what lies beside the backup is no record of it',
} as const satisfies Readonly<Record<NotCompared['reason'], string>>;
