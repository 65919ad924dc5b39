import type { Predicate } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { missedMessage } from './missed-message.js';

const phases = [{ name: 'locate', started_at: '2026-11-20T03:00:00.000Z', duration_ms: 5, outcome: 'done' }];
const said = (changes: object): string => missedMessage({ phases, ...changes } as unknown as Predicate);

describe('an objective that was missed', () => {
  const newest = { id: 'x.dump', created_at: '2026-11-18T22:00:00.000Z', created_at_from: 'header' };
  const rpo = { reason: 'rpo_missed', objectives: { enforce: 'rpo', rpo_s: 93_600 } };

  it('tells how old the newest backup is, and of a header that it may be in another zone', () => {
    expect(said({ ...rpo, newest_backup: newest })).toMatch(
      /newest backup, x\.dump, is 1 d 05 h, and 1 d 02 h is allowed .* 2026-11-18T22:00:00\.000Z in its header; where it is of another zone/,
    );
    expect(said({ ...rpo, newest_backup: { ...newest, created_at_from: 'name' } })).not.toContain('header');
  });

  it('says nothing of zones where the time is that of a set of pgBackRest', () => {
    const backup = { id: '20261118-220000F', format: 'pgbackrest-full', location: 'file:///r' };
    expect(said({ ...rpo, newest_backup: newest, backup })).toMatch(/still runs\.$/);
  });

  it('tells how old the newest commit is, where WAL was replayed', () => {
    const recovery = { target: { kind: 'latest' }, last_commit_before: '2026-11-19T00:00:00.000000Z' };
    expect(said({ ...rpo, newest_backup: newest, recovery })).toMatch(
      /of 2026-11-19T00:00:00\.000000Z, .* is 1 d 03 h, and 1 d 02 h is allowed/,
    );
  });

  it('tells how long fetch and restore took', () => {
    const fetch = { ...phases[0], name: 'fetch', duration_ms: 60_000 };
    const restore = { duration_ms: 120_000, bytes: 1, warnings: [] };
    const objectives = { enforce: 'all', rto_s: 60 };
    expect(said({ reason: 'rto_missed', objectives, restore, phases: [...phases, fetch] })).toMatch(
      /took 3 min 00 s, and 1 min 00 s is allowed/,
    );
  });
});
