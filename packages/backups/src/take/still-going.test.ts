import { expect, it } from 'vitest';
import { stillGoing } from './still-going.js';

it('what a timer was to end while the process stood still does not go on', async () => {
  const lease = new AbortController();
  setTimeout(() => lease.abort(new Error('lost')), 5);
  const until = performance.now() + 20;
  while (performance.now() < until);
  expect(lease.signal.aborted).toBe(false);
  await expect(stillGoing(lease.signal)).rejects.toThrow('lost');
});
