import { describe, expect, it } from 'vitest';
import { type Look, lookSchema, type PoolOutlook, preflightOf, preflightSchema } from './preflight.js';

const source = {
  slug: 'shop',
  kind: 'postgres',
  scratch: { cpus: 2, memoryBytes: 1, diskBytes: 1, pids: 1 },
} as const;
const look: Look = lookSchema.parse({
  at: '2026-11-20T12:00:00.000Z',
  host: 'h',
  outcome: 'run',
  restore_point: { kind: 'latest', listed: 2 },
  unknown: [{ what: 'extensions', why: 'They are not told.' }],
});
const refused: Look = { ...look, outcome: 'fail', reason: 'no_backup' };
const fleet: PoolOutlook = { pool: 'eu', workers: [], open: 0 };
const waiting = { ...fleet, waits_for: 'a worker' };
const notSeen = [{ what: 'backup', why: 'Nobody looked.' }] as const;

describe('a preflight', () => {
  it.each([
    ['run', undefined, { look, fleet }],
    ['wait', 'It would wait for a worker.', { look, fleet: waiting }],
    [
      'fail',
      'no backup, or none of the id that was asked for, is where the source keeps them.',
      { look: refused, fleet: waiting },
    ],
    ['fail', 'There is none.', { look: { ...refused, message: 'There is none.' } }],
    ['unknown', 'Nobody looked.', { fleet, unknown: [...notSeen] }],
    ['wait', 'It would wait for a worker.', { fleet: waiting, unknown: [...notSeen] }],
    ['error', 'x', { look: { ...look, outcome: 'error', reason: 'isolation_unavailable', message: 'x' } }],
    [
      'wait',
      'x',
      { look: { ...look, worker: 'w', outcome: 'error', reason: 'isolation_unavailable', message: 'x' } },
    ],
  ] as const)('says what a drill would do: %s', (outlook, why, known) => {
    const told = preflightOf(source, known);
    expect(told.outlook).toBe(outlook);
    expect(told.why).toBe(why);
    expect(preflightSchema.parse(told)).toEqual(told);
  });

  it('says once what is not known', () => {
    const { unknown, look: seen } = preflightOf(source, { look });
    expect(unknown).toEqual(look.unknown);
    expect(seen).not.toHaveProperty('unknown');
  });
});
