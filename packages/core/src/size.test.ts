import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSize, parseSize, writeSize } from './size.js';

describe('a size', () => {
  it.each([
    ['512MiB', 536_870_912],
    ['10GB', 10_000_000_000],
    ['1.5GiB', 1_610_612_736],
    ['1kB', 1000],
    ['7B', 7],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', '10', 'GB', '0B', '-1GB', '10 GB', '10gb', '4g', '1e3B', '99999999TiB'])(
    '%j is none',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it('is read back as it was written', () => {
    const shift = fc.tuple(
      fc.integer({ min: 1, max: 8000 }),
      fc.constantFrom(1, 1000, 1024, 10 ** 9, 1024 ** 4),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          shift.map(([n, unit]) => n * unit),
          fc.integer({ min: 1 }),
        ),
        (bytes) => {
          expect(parseSize(writeSize(bytes))).toBe(bytes);
        },
      ),
    );
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [8_400_000, '8.40 MB'],
    [9_996_000, '10.0 MB'],
    [12_345_678, '12.3 MB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [123_000_000_000, '123 GB'],
    [5e18, '5000 PB'],
  ])('of %d bytes is shown to people as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});
