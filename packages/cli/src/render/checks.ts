import { type CheckRecord, formatDuration } from '@muster/core';
import { MARKS } from '../terminal/marks.js';
import { cutTo, printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';
import { table } from '../terminal/table.js';

/** The checks of one drill, in order: id, verdict, reason, the row where the source lets it be seen, duration. */
export function checkTable(checks: readonly CheckRecord[], style: Style, width: number): string[] {
  return table(
    [
      { title: 'check' },
      { title: 'verdict' },
      { title: 'reason' },
      { title: 'row', flexible: true },
      { title: 'took', align: 'right' },
    ],
    checks.map((check) => {
      const { mark, word, paint } = MARKS[check.verdict];
      return [
        { text: printable(check.role === undefined ? check.id : `${check.id} (${check.role})`) },
        { text: `${mark} ${word}`, paint: style[paint] },
        { text: [check.reason, check.code].filter(Boolean).join(' ') },
        { text: rowText(check.summary) },
        { text: check.duration_ms === undefined ? '' : formatDuration(check.duration_ms), paint: style.dim },
      ];
    }),
    style,
    width,
  );
}

/** A row may be a whole document; `muster check test` shows all of it. */
const MOST_OF_ROW = 100;

/** `n = 123, name = "Ångström"` */
function rowText(summary: CheckRecord['summary']): string {
  const told = Object.entries(summary ?? {})
    .map(([column, value]) => `${printable(column)} = ${printable(JSON.stringify(value))}`)
    .join(', ');
  return cutTo(told, MOST_OF_ROW);
}
