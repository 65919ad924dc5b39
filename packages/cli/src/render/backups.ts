import type { CatalogueEntry, LastDrill } from '@muster/core';
import { MARKS } from '../terminal/marks.js';
import { printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';
import type { Cell } from '../terminal/table.js';

export const ORIGINS: Readonly<Record<CatalogueEntry['origin'], string>> = {
  muster: 'Muster',
  described: 'another, described by Muster',
  other: 'another',
  unknown: '',
};

/** What a set needs, the full one first; that a backup is not whole yet. */
export function chainText({ state, set }: CatalogueEntry): string {
  if (state === 'writing') return 'being written';
  return printable((set?.chain ?? []).join(' → '));
}

/** Result and id of a drill. */
export function drillText(drill: LastDrill | undefined, style: Style): Cell {
  if (drill === undefined) return { text: 'none', paint: style.dim };
  const { mark, word, paint } = MARKS[drill.result];
  const by = drill.substitute ? ' (by a stand-in)' : '';
  const why = drill.reason === undefined ? '' : ` ${drill.reason}`;
  return { text: `${mark} ${word}${by}${why} ${drill.asked_at.slice(0, 10)}`, paint: style[paint] };
}
