import type { CheckVerdict } from '@muster/core';
import type { Style } from './style.js';

/** A verdict with its mark and colour, the same everywhere. */
export const MARKS: Readonly<
  Record<CheckVerdict, { readonly mark: string; readonly word: string; readonly paint: keyof Style }>
> = {
  pass: { mark: '✔', word: 'pass', paint: 'good' },
  fail: { mark: '✖', word: 'fail', paint: 'bad' },
  error: { mark: '▲', word: 'error', paint: 'warn' },
  not_run: { mark: '–', word: 'not run', paint: 'dim' },
};
