import { expect, it } from 'vitest';
import { tarDirectory } from './tar-directory.js';

it('is a ustar archive of one directory with its owner and mode', () => {
  const tar = tarDirectory('d', '999:70', 0o700);
  const field = (at: number, width: number): string =>
    tar.toString('ascii', at, at + width).replace(/[\0 ]+$/, '');
  expect(tar.length % 512).toBe(0);
  expect([field(0, 100), field(156, 1), tar.toString('latin1', 257, 265)]).toEqual([
    'd/',
    '5',
    'ustar\x0000',
  ]);
  expect([100, 108, 116].map((at) => Number.parseInt(field(at, 8), 8))).toEqual([0o700, 999, 70]);
  const unsummed = Buffer.from(tar.subarray(0, 512)).fill(' ', 148, 156);
  expect(Number.parseInt(field(148, 8), 8)).toBe(unsummed.reduce((sum, byte) => sum + byte, 0));
  expect(tar.subarray(512).every((byte) => byte === 0)).toBe(true);
});
