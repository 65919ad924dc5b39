import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellQuote } from './shell-quote.js';

it.each([`it's "a" \\ $(b)`, '\u001b]0;owned\u0007\r\n\u009b', `\u202e'; touch x \\u0041`])(
  'the word %j is one word for a shell, and does nothing to a terminal',
  (word) => {
    const quoted = shellQuote(word);
    expect(quoted).toMatch(/^[\x20-\x7e]*$/);
    const env = { LC_ALL: 'C.UTF-8' };
    expect(execFileSync('bash', ['-c', `printf %s ${quoted}`], { encoding: 'utf8', env })).toBe(word);
  },
);
