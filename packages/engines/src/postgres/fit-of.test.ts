import { describe, expect, it } from 'vitest';
import { fitOf } from './fit-of.js';
import type { PgbackrestFacts } from './pgbackrest/pgbackrest-facts.js';
import type { PostgresFacts } from './postgres-facts.js';

const base = (...facts: readonly string[]) => ({
  isolation: 'docker' as const,
  image: 'postgres:17',
  facts: [...facts, 'end\t\t\t', ''].join('\n'),
});
const server = (version: string) =>
  `server\t/${version}\tpostgres (PostgreSQL) ${version}\tpsql (PostgreSQL) ${version}`;
const extension = (version: string, name: string) => `extension\t/${version}\t${name}\t`;
const dump = (major: number, ...extensions: readonly string[]) =>
  ({
    format: 'custom',
    major,
    databases: [],
    container: 'custom',
    wrapper: 'none',
    shape: {},
    toc: { entries: extensions.map((tag) => ({ desc: 'EXTENSION', tag })) },
  }) as unknown as PostgresFacts;
const set = {
  format: 'pgbackrest-full',
  major: 17,
  databases: [],
  pgbackrest: {},
} as unknown as PgbackrestFacts;

describe('what a backup needs, beside what there is', () => {
  it('is the server that would run, and the extensions that it has and has not', () => {
    const there = base(
      server('15.3'),
      server('17.6'),
      extension('17.6', 'hstore'),
      extension('15.3', 'vector'),
    );
    expect(fitOf(dump(16, 'hstore', 'vector'), there)).toEqual({
      version: '17.6',
      extensions: [
        { name: 'hstore', there: true },
        { name: 'vector', there: false },
      ],
    });
  });

  it('is what the backup alone tells, where there is no image yet, or no server for it', () => {
    const needed = { extensions: [{ name: 'hstore' }] };
    expect(fitOf(dump(17, 'hstore'), undefined)).toEqual(needed);
    expect(fitOf(dump(17, 'hstore'), base(server('15.3')))).toEqual(needed);
    expect(fitOf(dump(17, 'hstore'), base('nonsense'))).toEqual(needed);
    expect(fitOf({ format: 'custom', major: 17, databases: [] }, base(server('17.6')))).toEqual({
      version: '17.6',
    });
  });

  it('is pgBackRest, and the very version, for a backup set', () => {
    expect(fitOf(set, base(server('17.6'), server('18.1'), 'pgbackrest\t2.55.1\t\t'))).toEqual({
      version: '17.6',
      tool: 'pgBackRest 2.55.1',
    });
    expect(fitOf(set, base(server('18.1')))).toEqual({});
  });
});
