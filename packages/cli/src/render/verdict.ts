import { REASONS, type Statement } from '@muster/core';
import { MARKS } from '../terminal/marks.js';
import { printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';

/** `PASS`, or `FAIL  check_failed` with what happened and what to do now. */
export function verdictLines(
  predicate: Pick<Statement['predicate'], 'result' | 'reason'>,
  message: string | undefined,
  style: Style,
): string[] {
  const { mark, paint } = MARKS[predicate.result];
  const head = style.bold(style[paint](`${mark} ${predicate.result.toUpperCase()}`));
  const { reason } = predicate;
  if (reason === undefined) return [head];
  const told = message ?? sentence(REASONS[reason].meaning);
  return [`${head}  ${reason}`, ...told.split('\n').map((line) => `  ${printable(line)}`)];
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
