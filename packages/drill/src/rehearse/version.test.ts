import type { Answer } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { versionOf } from './version.js';

const row = (...values: readonly (string | undefined)[]): Answer => ({
  kind: 'row',
  row: {
    columns: values.map((text) => ({
      name: 'v',
      value: text === undefined ? { kind: 'null' } : { kind: 'string', text },
    })),
  },
});

describe('what a version query gave', () => {
  it.each<[Answer, ReturnType<typeof versionOf>]>([
    [row('0f3a2b'), { value: '0f3a2b' }],
    [row('a', 'b'), { fault: 'gave 2 columns' }],
    [row(undefined), { fault: 'gave NULL' }],
    [{ kind: 'no_rows' }, { fault: 'gave no row' }],
    [{ kind: 'multiple_rows' }, { fault: 'gave several rows' }],
    [{ kind: 'query_failed', code: '42P01', message: 'a secret' }, { fault: 'failed (SQLSTATE 42P01)' }],
  ])('%j is %j', (answer, version) => expect(versionOf(answer, 1000)).toEqual(version));

  it.each([
    ['timeout', 'time_limit'],
    ['server_lost', 'rehearsal_unready'],
  ] as const)('%s is no word on what came back', (kind, code) =>
    expect(() => versionOf({ kind }, 1000)).toThrow(expect.objectContaining({ code })),
  );
});
