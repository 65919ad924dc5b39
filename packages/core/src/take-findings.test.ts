import { describe, expect, it } from 'vitest';
import { scheduledTakeId } from './ids.js';
import type { KnownTake } from './known-take.js';
import { takeFindings } from './take-findings.js';

const take = {
  pool: 'default',
  schedules: [{ name: 'hourly', cron: '0 * * * *', tz: 'UTC', type: 'incr' }],
} as const;
const NOON = Date.UTC(2026, 10, 21, 12);
const at = (hoursAgo: number): Date => new Date(NOON - hoursAgo * 3_600_000);

/** Of the due times of the last hours, the newest last. */
const taken = (...became: readonly Partial<KnownTake>[]): readonly KnownTake[] =>
  became.map((one, index) => {
    const due = at(became.length - 1 - index);
    return {
      id: scheduledTakeId('shop', 'hourly', due),
      trigger: { kind: 'schedule', schedule: 'hourly', scheduled_for: due.toISOString() },
      pool: 'default',
      due_at: due.toISOString(),
      asked_at: due.toISOString(),
      state: 'ended',
      tries: 1,
      ...one,
    };
  });
const GOOD: Partial<KnownTake> = { outcome: 'taken' };
const FAILED: Partial<KnownTake> = { outcome: 'failed', reason: 'dump_failed' };
const SKIPPED: Partial<KnownTake> = { outcome: 'skipped', reason: 'take_overrun' };
const UNSERVED: Partial<KnownTake> = { outcome: 'skipped', reason: 'take_waiting' };
const QUEUED: Partial<KnownTake> = { state: 'queued', tries: 0 };
const WAITED: Partial<KnownTake> = { ...GOOD, waits_since: at(0).toISOString() };

const found = (takes: readonly KnownTake[], since = at(0), now = at(0)): readonly string[] =>
  takeFindings({ take, takes, accounted: () => since, now }).map(({ code }) => code);

describe('what is wrong with how backups are taken', () => {
  it.each([
    ['every take that is due brings a backup', [GOOD, GOOD, GOOD, GOOD, GOOD, GOOD], []],
    ['one was skipped', [GOOD, GOOD, SKIPPED, GOOD, GOOD, GOOD], []],
    ['every second is skipped', [GOOD, SKIPPED, GOOD, SKIPPED, GOOD, SKIPPED], ['always_backing_up']],
    ['most had to wait', [WAITED, WAITED, WAITED, GOOD], ['always_backing_up']],
    ['one runs for hours', [{ state: 'running' }, SKIPPED, SKIPPED, SKIPPED], ['always_backing_up']],
    ['the last two failed', [GOOD, FAILED, FAILED], []],
    ['the last three failed', [GOOD, FAILED, FAILED, FAILED], ['never_met']],
    ['three failed, and then one was taken', [FAILED, FAILED, FAILED, GOOD], []],
    ['no worker takes them', [GOOD, QUEUED, UNSERVED, UNSERVED], ['never_met']],
  ] as const)('%s', (_, became, codes) => {
    expect(found(taken(...became))).toEqual(codes);
  });

  it('a schedule whose due times nobody answers is never met', () => {
    expect(found(taken(GOOD), at(0), at(-2.5))).toEqual([]);
    expect(found(taken(GOOD), at(0), at(-3.5))).toEqual(['never_met']);
    expect(found([], at(0), at(-3.5))).toEqual(['never_met']);
  });

  it('says nothing of a new schedule, nor where the clock was set back', () => {
    expect(found([])).toEqual([]);
    expect(found(taken(GOOD, GOOD), at(0), at(48))).toEqual([]);
  });
});
