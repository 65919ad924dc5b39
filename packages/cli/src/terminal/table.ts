import stringWidth from 'string-width';
import { cutTo, padEnd } from './printable.js';
import type { Style } from './style.js';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** The one column that gives way where the terminal is too narrow. */
  readonly flexible?: true;
}

export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

const GAP = 2;
const NARROWEST = 8;

/** Aligned columns under dim titles, two spaces apart. A column that holds nothing is left out. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: Style,
  width: number,
): string[] {
  const shown = columns
    .map((column, index) => ({ ...column, index }))
    .filter(({ index }) => rows.some((row) => row[index]?.text));
  const widths = shown.map(({ title, index }) =>
    Math.max(stringWidth(title), ...rows.map((row) => stringWidth(row[index]?.text ?? ''))),
  );
  const excess = widths.reduce((sum, each) => sum + each + GAP, -GAP) - width;
  const flexible = shown.findIndex((column) => column.flexible);
  const flexibleWidth = widths[flexible];
  if (excess > 0 && flexibleWidth !== undefined)
    widths[flexible] = Math.max(Math.min(NARROWEST, flexibleWidth), flexibleWidth - excess);

  const line = (cells: readonly Cell[]): string =>
    cells
      .map((cell, position) => {
        const room = widths[position] ?? 0;
        const text = cutTo(cell.text, room);
        const last = position === cells.length - 1;
        const space = ' '.repeat(Math.max(0, room - stringWidth(text)));
        const painted = cell.paint?.(text) ?? text;
        if (shown[position]?.align === 'right') return space + painted;
        return last ? painted : padEnd(painted, room);
      })
      .join(' '.repeat(GAP))
      .trimEnd();

  return [
    line(shown.map(({ title }) => ({ text: title, paint: style.dim }))),
    ...rows.map((row) => line(shown.map(({ index }) => row[index] ?? { text: '' }))),
  ];
}
