import type { Source, SourceKind } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { chooseDatabase } from './choose-database.js';
import type { Located } from './locate.js';

const source = (kind: SourceKind, database?: string) =>
  ({ slug: 'shop', kind, ...(database && { database }) }) as Source;
const file = { kind: 'file' } as Located;
const live = { kind: 'live', live: { database: 'shop' } } as Located;

describe('the database of a PostgreSQL drill', () => {
  it('is that of the source, of its connection, or the only one', () => {
    expect(chooseDatabase(source('postgres', 'a'), live, ['a', 'shop'])).toBe('a');
    expect(chooseDatabase(source('postgres'), live, ['a', 'shop'])).toBe('shop');
    expect(chooseDatabase(source('postgres'), file, ['a'])).toBe('a');
    expect(chooseDatabase(source('postgres'), file, ['a', 'postgres'])).toBe('a');
    expect(chooseDatabase(source('postgres', 'postgres'), file, ['a', 'postgres'])).toBe('postgres');
    expect(chooseDatabase(source('postgres'), file, ['postgres'])).toBe('postgres');
  });

  it('must be there, and certain', () => {
    expect(() => chooseDatabase(source('postgres', 'x'), file, ['a'])).toThrow('holds "a"');
    expect(() => chooseDatabase(source('postgres'), file, ['a', 'b'])).toThrow('"a", "b"');
  });
});

describe('the database of a MongoDB drill', () => {
  it('is no matter of its checks: that of the source, or the first', () => {
    expect(chooseDatabase(source('mongodb', 'b'), file, ['a', 'b'])).toBe('b');
    expect(chooseDatabase(source('mongodb'), live, ['a', 'b'])).toBe('a');
    expect(chooseDatabase(source('mongodb'), file, [])).toBe('test');
  });

  it('must be there where the source names one', () =>
    expect(() => chooseDatabase(source('mongodb', 'x'), file, ['a'])).toThrow('is not in the backup'));
});
