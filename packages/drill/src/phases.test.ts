import { MusterError } from '@muster/core';
import { describe, expect, it, vi } from 'vitest';
import { createPhases } from './phases.js';

const never = new AbortController().signal;
const forever = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));

function phases(signals: { cancel?: AbortSignal; deadline?: AbortSignal } = {}) {
  return createPhases({
    now: () => new Date(0),
    observe: () => {},
    cancel: never,
    deadline: never,
    ...signals,
  });
}

describe('a phase', () => {
  it('is recorded with its outcome', async () => {
    const all = phases();
    expect(await all.run({ name: 'locate', limitMs: 1000 }, async () => 1)).toBe(1);
    await expect(
      all.run({ name: 'launch', limitMs: 1000 }, () => Promise.reject(new Error('x'))),
    ).rejects.toThrow('x');
    expect(all.records.map((record) => [record.name, record.outcome])).toEqual([
      ['locate', 'done'],
      ['launch', 'failed'],
    ]);
  });

  it('that is cancelled ends as cancelled, whatever its work threw', async () => {
    const cancel = new AbortController();
    const all = phases({ cancel: cancel.signal });
    const running = all.run({ name: 'restore', limitMs: 60_000 }, forever);
    cancel.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(all.records[0]?.outcome).toBe('cancelled');
  });

  it('that does not stop when it is told to is left behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const cancel = new AbortController();
    const stuck = phases({ cancel: cancel.signal }).run(
      { name: 'locate', limitMs: 60_000 },
      () => new Promise(() => {}),
    );
    const ended = expect(stuck).rejects.toMatchObject({ code: 'cancelled' });
    cancel.abort();
    await vi.advanceTimersByTimeAsync(60_000);
    await ended;
    vi.useRealTimers();
  });

  it('begins nothing once the drill is cancelled', async () => {
    const all = phases({ cancel: AbortSignal.abort() });
    let began = false;
    const work = async () => {
      began = true;
    };
    await expect(all.run({ name: 'launch', limitMs: 1000 }, work)).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(began).toBe(false);
  });

  it('over its own limit, or in a drill over its limit, ends with time_limit and says which', async () => {
    const own = phases().run({ name: 'restore', limitMs: 1 }, forever);
    await expect(own).rejects.toMatchObject({
      code: 'time_limit',
      message: expect.stringContaining('limits.restore'),
    });
    const whole = phases({ deadline: AbortSignal.abort() }).run({ name: 'restore', limitMs: 1000 }, forever);
    await expect(whole).rejects.toMatchObject({
      code: 'time_limit',
      message: expect.stringContaining('limits.drill'),
    });
  });

  it('whose scratch is lost ends with the loss', async () => {
    const lost = Promise.resolve(new MusterError('scratch_lost', 'gone'));
    const running = phases().run({ name: 'check', limitMs: 60_000, lost }, forever);
    await expect(running).rejects.toMatchObject({ code: 'scratch_lost' });
  });

  it('of tidying up runs though the drill is cancelled', async () => {
    const all = phases({ cancel: AbortSignal.abort() });
    await all.finish('destroy', async () => {});
    expect(all.records.map((record) => [record.name, record.outcome])).toEqual([['destroy', 'done']]);
  });
});
