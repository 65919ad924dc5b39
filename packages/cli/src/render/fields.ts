import { padEnd } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';

/** `name   value` lines, aligned; a value of several lines goes on under its first. */
export function fields(
  pairs: readonly (readonly [name: string, value: string | readonly string[] | undefined])[],
  style: Style,
): string[] {
  const shown = pairs.flatMap(([name, value]) => {
    const lines = value === undefined ? [] : typeof value === 'string' ? [value] : value;
    return lines.length === 0 ? [] : [{ name, lines }];
  });
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  return shown.flatMap(({ name, lines }) =>
    lines.map((line, index) => `${style.dim(padEnd(index === 0 ? name : '', width))}  ${line}`),
  );
}
