import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEPT_MS, keptOwner } from './kept-data.js';
import { fromLabels, isAbandoned, type Ownership, toLabels } from './labels.js';
import { formatWorker, isProvenDead, parseWorker, thisWorker } from './worker-identity.js';

const owner: Ownership = {
  drill: 'drl_x',
  worker: thisWorker(),
  expiresAt: new Date('2026-11-20T12:00:00Z'),
};

describe('labels', () => {
  it('are read as they were written', () => {
    expect(fromLabels(toLabels(owner))).toEqual(owner);
  });

  it.each(['muster.drill', 'muster.worker', 'muster.expires'])('without %s are not ours', (missing) => {
    expect(fromLabels({ ...toLabels(owner), [missing]: undefined })).toBeUndefined();
  });

  it('that are not well formed are not ours', () => {
    expect(fromLabels({ ...toLabels(owner), 'muster.worker': 'me' })).toBeUndefined();
    expect(fromLabels({ ...toLabels(owner), 'muster.expires': 'soon' })).toBeUndefined();
  });
});

describe('what may be swept', () => {
  const before = new Date('2026-11-20T11:59:59Z');
  const after = new Date('2026-11-20T12:00:00Z');
  const withWorker = (worker: Partial<Ownership['worker']>): Ownership => ({
    ...owner,
    worker: { ...owner.worker, ...worker },
  });

  it('is what is expired, whoever made it', () => {
    expect(isAbandoned(owner, after)).toBe(true);
    expect(isAbandoned(withWorker({ kernel: 'other:1' }), after)).toBe(true);
  });

  it('is not what a living process made', () => {
    expect(isAbandoned(owner, before)).toBe(false);
  });

  it('is not what is kept, until it is expired', () => {
    const kept = keptOwner('form.word key', new Date(after.getTime() - KEPT_MS));
    expect(fromLabels(toLabels(kept))).toEqual(kept);
    expect(isAbandoned(kept, before)).toBe(false);
    expect(isAbandoned(kept, after)).toBe(true);
  });

  it.runIf(process.platform === 'linux')('is what a process made whose number another has now', () => {
    expect(isAbandoned(withWorker({ startTime: '1' }), before)).toBe(true);
    expect(isAbandoned(withWorker({ pid: 4_194_301, startTime: '1' }), before)).toBe(true);
  });

  it('is not what a process elsewhere made, of which nothing can be known', () => {
    const elsewhere = { pid: 4_194_301, startTime: '1', kernel: 'a-boot-id:4026531836' };
    expect(isAbandoned(withWorker(elsewhere), before)).toBe(false);
    expect(isProvenDead({ ...owner.worker, pid: 4_194_301, startTime: '0' })).toBe(false);
  });
});

it('the identity of a worker is read as it was written, and nothing else is read', () => {
  expect(parseWorker(formatWorker(thisWorker()))).toEqual(thisWorker());
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseWorker(text);
      expect(parsed === undefined || formatWorker(parsed) === text).toBe(true);
    }),
  );
});
