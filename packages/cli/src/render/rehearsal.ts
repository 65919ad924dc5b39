import { formatDuration, formatSize, type RehearsalComparison } from '@muster/core';
import type { PerformedRehearsal } from '../perform-rehearsal.js';
import { MARKS } from '../terminal/marks.js';
import type { Output } from '../terminal/output.js';
import { printable } from '../terminal/printable.js';
import { table } from '../terminal/table.js';
import { fields } from './fields.js';

const WHAT: Readonly<Record<RehearsalComparison['what'], string>> = {
  schema_version: 'schema version',
  row_count: 'rows',
  sentinel: 'sentinel',
};

/** A table of what was compared, the verdict, and where the receipt is. */
export function rehearsalLines(
  { predicate, message, outputFile }: PerformedRehearsal,
  receipt: string,
  { style, width, quiet }: Pick<Output, 'style' | 'width' | 'quiet'>,
): string[] {
  const { result, reason, comparisons, backup, phases, rehearsal_id: id } = predicate;
  const { mark, word, paint } = MARKS[result];
  const verdict = [
    style.bold(style[paint](`${mark} ${word}${reason === undefined ? '' : ` (${reason})`}`)) +
      (result === 'pass' ? '  all that was there came back' : ''),
    ...(message === undefined ? [] : [printable(message)]),
  ];
  const where: readonly [string, string] = ['receipt', printable(receipt)];
  if (quiet) return [...verdict, ...fields([where], style)];
  const compared = comparisons.map(({ what, name, before, after, equal }) => {
    const one = MARKS[equal ? 'pass' : 'fail'];
    return [
      { text: WHAT[what] },
      { text: printable(name) },
      { text: printable(before ?? ''), paint: style.dim },
      { text: printable(after ?? '') },
      { text: `${one.mark} ${equal ? 'equal' : 'differs'}`, paint: style[one.paint] },
    ];
  });
  const columns = [
    { title: 'what' },
    { title: 'name', flexible: true as const },
    { title: 'before' },
    { title: 'after' },
    { title: '' },
  ];
  return [
    ...(compared.length === 0 ? [] : [...table(columns, compared, style, width), '']),
    ...verdict,
    '',
    ...fields(
      [
        ['rehearsal', id],
        ['took', phases.map(({ name, duration_ms: took }) => `${name} ${formatDuration(took)}`).join(' · ')],
        [
          'backup',
          backup &&
            `${backup.format}, ${formatSize(backup.size_bytes)}${backup.encrypted ? ', encrypted' : ''}`,
        ],
        ['output', result === 'pass' ? undefined : printable(outputFile)],
        where,
      ],
      style,
    ),
  ];
}
