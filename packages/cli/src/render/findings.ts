import type { Verdict } from '@muster/core';
import type { Finding } from '../doctor/finding.js';
import { MARKS } from '../terminal/marks.js';
import { padEnd, printable } from '../terminal/printable.js';
import type { Style } from '../terminal/style.js';

const VERDICTS = { ok: 'pass', warning: 'error', absent: 'not_run', fault: 'fail' } as const;

const SUMS = {
  pass: 'A drill can run here.',
  fail: 'A drill would fail, by what is known of its backup: see what is marked above.',
  error: 'A drill cannot run here yet: see what is marked above.',
} as const;

/** What `doctor` found, one line each, with the commands that help beneath, and what it comes to. */
export function findingLines(findings: readonly Finding[], result: Verdict, style: Style): string[] {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const indent = ' '.repeat(width + 6);
  const lines = findings.flatMap(({ subject, outcome, detail, install = [] }) => {
    const { mark, paint } = MARKS[VERDICTS[outcome]];
    const text = printable(detail);
    return [
      `  ${style[paint](mark)} ${padEnd(subject, width)}  ${outcome === 'absent' ? style.dim(text) : text}`,
      ...install.map((command) => `${indent}${style.accent(`$ ${command}`)}`),
    ];
  });
  const { mark, paint } = MARKS[result === 'pass' ? 'pass' : 'fail'];
  const sum = SUMS[result];
  return [...lines, '', style.bold(style[paint](`${mark} ${sum}`))];
}
