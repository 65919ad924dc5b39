import { expect, it } from 'vitest';
import { neverBackwards } from './never-backwards.js';

it('a clock that is set back stands still until it has caught up', () => {
  const shown = [5, 20, 10, 21].values();
  const clock = neverBackwards(() => new Date(shown.next().value ?? 0), new Date(7));
  expect([clock(), clock(), clock(), clock()].map(Number)).toEqual([7, 20, 20, 21]);
});
