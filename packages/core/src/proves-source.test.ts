import { describe, expect, it } from 'vitest';
import { provesSource } from './proves-source.js';

const said = (
  result: 'pass' | 'fail' | 'error',
  trigger: 'schedule' | 'api' | 'cli',
  point: 'latest' | 'oldest' | 'id',
) => ({
  result,
  trigger: { kind: trigger },
  restore_point: { kind: point },
  environment: {},
});

describe('a drill counts as a pass of its source', () => {
  it.each([
    ['pass', 'schedule', 'latest'],
    ['pass', 'schedule', 'oldest'],
    ['pass', 'api', 'latest'],
    ['pass', 'cli', 'latest'],
  ] as const)('with %s, asked for by %s, of the backup %s', (result, trigger, point) => {
    expect(provesSource(said(result, trigger, point), {})).toBe(true);
    expect(provesSource(said(result, trigger, point), { partial: true })).toBe(false);
  });

  it.each([
    ['pass', 'api', 'oldest'],
    ['pass', 'api', 'id'],
    ['pass', 'cli', 'oldest'],
    ['pass', 'cli', 'id'],
    ['fail', 'schedule', 'latest'],
    ['error', 'cli', 'latest'],
  ] as const)('but not with %s, asked for by %s, of the backup %s', (result, trigger, point) => {
    expect(provesSource(said(result, trigger, point), {})).toBe(false);
  });

  it.each(['schedule', 'api', 'cli'] as const)('but not of a stand-in, asked for by %s', (trigger) => {
    const passed = { ...said('pass', trigger, 'latest'), environment: { substitute: true } } as const;
    expect(provesSource(passed, {})).toBe(false);
  });
});
