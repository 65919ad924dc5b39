import { expect, it } from 'vitest';
import { judge } from './disk-watch.js';

const GIB = 1024 ** 3;

it('ends a cell over its bound, and not at it', () => {
  expect(judge('1048576\t/muster/data/d', GIB)).toBeUndefined();
  expect(judge('1048577\t/muster/data/d', GIB)).toMatchObject({ reason: 'scratch_disk_full' });
});

it('ends a cell before it fills the disk of the host', () => {
  const df = (available: number): string => `/dev/vda 263174212 17 ${available} 19% /muster/data`;
  expect(judge(df(75_000_000), GIB)).toBeUndefined();
  expect(judge(df(100_000), GIB)).toMatchObject({ reason: 'scratch_disk_full' });
});

it('ends a cell that hides, and lets files go', () => {
  expect(judge("du: cannot read directory '/muster/data/d/x': Permission denied", GIB)).toBeDefined();
  expect(judge("du: cannot access '/muster/data/d/x': No such file or directory", GIB)).toBeUndefined();
});
