import { type Answer, formatDuration, type Judgement, type SummaryValue } from '@muster/core';
import stringWidth from 'string-width';
import { MARKS } from '../terminal/marks.js';
import { padEnd, printable, printableLines } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';

/** One check, asked by its author. */
export interface Asked {
  readonly id: string;
  /** What it expects, as its author wrote it. */
  readonly expect: string;
  readonly answer: Answer;
  readonly judgement: Judgement;
  readonly durationMs: number;
}

/** Verdict, time, the row with each value as exact as it came, and what the server said: for the check's author alone. */
export function answerLines({ id, expect, answer, judgement, durationMs }: Asked, style: Style): string[] {
  const { mark, word, paint } = MARKS[judgement.verdict];
  const head = `${style.bold(style[paint](`${mark} ${word}`))}  ${printable(id)}  ${style.dim(formatDuration(durationMs))}`;
  const told = [...because(answer, judgement, expect), ...answered(answer, style)];
  return [head, ...told.map((line) => `  ${line}`)];
}

/** Why it is no pass; of a failed query the server's own words say more. */
function because(answer: Answer, { reason, message }: Judgement, expect: string): string[] {
  if (reason === undefined) return [];
  if (answer.kind === 'query_failed') return [[reason, answer.code].filter(Boolean).join(' ')];
  const why = reason === 'expectation_not_met' ? `expected ${expect}` : message;
  return [`${reason}: ${printable(why)}`];
}

function answered(answer: Answer, style: Style): string[] {
  if (answer.kind === 'query_failed')
    return printableLines(answer.message)
      .split('\n')
      .map((line) => style.warn(line));
  if (answer.kind !== 'row') return [];
  const { columns } = answer.row;
  const names = columns.map(({ name }) => printable(name));
  const width = Math.max(0, ...names.map((name) => stringWidth(name)));
  return columns.map(
    ({ value }, index) => `${padEnd(names[index] ?? '', width)} = ${valueText(value, style)}`,
  );
}

function valueText(value: SummaryValue, style: Style): string {
  switch (value.kind) {
    case 'null':
      return style.dim('null');
    case 'boolean':
      return String(value.value);
    case 'string':
      return printable(JSON.stringify(value.text));
    case 'other':
      return `${printable(value.text)} ${style.dim(`(${printable(value.type)})`)}`;
    case 'number':
    case 'non_finite':
      return value.text;
  }
}
