import { expect, it } from 'vitest';
import { parseUser } from './bubblewrap-host.js';
import { countsProcessesPerNamespace } from './live-cell.js';

it.each([
  ['5.13.19', false],
  ['5.14.0-362.el9.x86_64', true],
  ['5.9', false],
  ['6.1.0-18-amd64', true],
  ['4.18.0', false],
  ['', false],
])('kernel %s counts processes per user namespace: %s', (kernel, counts) => {
  expect(countsProcessesPerNamespace(kernel)).toBe(counts);
});

it('takes a user only by numbers, and never root', () => {
  expect(parseUser('999:998')).toEqual({ uid: 999, gid: 998 });
  for (const text of ['0:0', '0:999', 'postgres', '999', '999:', '1e3:1', '-1:1']) {
    expect(() => parseUser(text)).toThrow(expect.objectContaining({ code: 'launch_failed' }));
  }
});
