import { relative } from 'node:path';
import type { ConfigFaults } from '../problem.js';
import { cutTo, padEnd, printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';

export interface FaultView {
  /** Show the line a fault stands in: for its author at a terminal, never in a log (checks are not for logs). */
  readonly excerpts: boolean;
  readonly width: number;
}

/**
 * All faults of a configuration: `file:line:column  message`, aligned, as editors and terminals link it, each with the
 * line it stands in and a caret under the place.
 */
export function faultLines(error: ConfigFaults, cwd: string, style: Style, view: FaultView): string[] {
  const file = nearest(error.file, cwd);
  const source = error.text.split(/\r?\n/);
  const places = error.faults.map(({ line, column }) => `${file}:${line}:${column}`);
  const widest = Math.max(0, ...places.map((place) => place.length));
  const gutter = Math.max(0, ...error.faults.map(({ line }) => String(line).length));
  return error.faults.flatMap((fault, index) => [
    `${style.bold(padEnd(places[index] ?? '', widest))}  ${printable(fault.message)}`,
    ...(view.excerpts ? excerpt(source[fault.line - 1], fault, gutter, style, view.width) : []),
  ]);
}

function excerpt(
  source: string | undefined,
  at: { readonly line: number; readonly column: number },
  gutter: number,
  style: Style,
  width: number,
): string[] {
  if (source === undefined || source.trim() === '' || MAY_HOLD_A_SECRET.test(source)) return [];
  const margin = `  ${String(at.line).padStart(gutter)} │ `;
  const caret = `  ${' '.repeat(gutter)} │ ${' '.repeat(at.column - 1)}`;
  return [
    style.dim(cutTo(margin + printable(source.replaceAll('\t', ' ')), width)),
    ...(caret.length < width ? [style.dim(caret) + style.warn('^')] : []),
  ];
}

/** A password in the clear is a fault, and its line is not shown. */
const MAY_HOLD_A_SECRET = /:\/\/|password|secret|token/i;

/** A path as a person in `cwd` would write it. */
export function nearest(path: string, cwd: string): string {
  const from = relative(cwd, path);
  return from !== '' && !from.startsWith('..') ? from : path;
}
