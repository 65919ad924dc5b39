import type { Source } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { placesFor } from './place.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const source = (memoryBytes: number, diskBytes: number) =>
  ({ backup: { type: 'live' }, scratch: { cpus: 2, memoryBytes, diskBytes, pids: 512 } }) as Source;

const media = (bytes: number | undefined, from: Source) => placesFor(from, bytes).map((place) => place.data);

describe('the place of a data directory', () => {
  it('is memory for a small backup, with the disk behind it', () => {
    expect(media(8 * MIB, source(2 * GIB, 20 * GIB))).toEqual(['memory', 'disk']);
  });

  it('is the disk for a large backup, and for one of unknown size', () => {
    expect(media(GIB, source(2 * GIB, 20 * GIB))).toEqual(['disk']);
    expect(media(undefined, source(2 * GIB, 20 * GIB))).toEqual(['disk']);
  });

  it('is the disk where it is kept for the next drill', () => {
    const kept = { ...source(2 * GIB, 20 * GIB), backup: { type: 'pgbackrest', delta: true } } as Source;
    expect(media(8 * MIB, kept)).toEqual(['disk']);
  });

  it('is never larger than the disk that the source allows', () => {
    expect(placesFor(source(8 * GIB, GIB), MIB)).toEqual([
      { data: 'memory', limits: { cpus: 2, memoryBytes: 8 * GIB, diskBytes: GIB, pids: 512 } },
    ]);
  });
});
