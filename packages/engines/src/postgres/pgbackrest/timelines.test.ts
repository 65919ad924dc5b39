import { describe, expect, it } from 'vitest';
import type { RecoveryTarget } from './recovery-log.js';
import { type Archived, followTimeline, newestHistory, readHistory } from './timelines.js';
import { readSegment } from './wal-archive.js';

const AT: RecoveryTarget = { kind: 'time', at: new Date('2026-11-21T16:30:35Z') };
const XID: RecoveryTarget = { kind: 'xid', xid: '742' };
const LATEST: RecoveryTarget = { kind: 'latest' };

const on = (timeline: number, ...numbers: readonly number[]) =>
  numbers.flatMap((number) => readSegment(nameOf(timeline, number)) ?? []);
const nameOf = (timeline: number, number: number) =>
  [timeline, 0, number].map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('');

/** Segments 2 to 7 on the first timeline, which was left in segment `left` for a second that goes on to 9. */
function archive(left: number, stop: number, over: Partial<Archived> = {}): Archived {
  return {
    segments: [...on(1, 2, 3, 4, 5, 6, 7), ...on(2, left, 8, 9)],
    segmentBytes: 16 * 1024 * 1024,
    set: { name: 'F', stop: nameOf(1, stop), stopLsn: `0/${stop}000100` },
    newest: { timeline: 2, history: readHistory(`1\t0/${left}000120\tno recovery target\n`, 'h') },
    ...over,
  };
}

const thrown = { code: 'timeline_ambiguous' };

describe('the timeline of a replay', () => {
  it.each([LATEST, AT, XID])('is that of the set where there is no newer ($kind)', (target) => {
    const { timeline, setting } = followTimeline(
      { ...archive(8, 9), set: { name: 'F', stop: nameOf(2, 9) } },
      target,
    );
    expect({ timeline, setting }).toEqual({ timeline: 2, setting: 'current' });
  });

  it('of a set alone is its own, whatever came after', () => {
    const { timeline, segments } = followTimeline(archive(4, 6), { kind: 'immediate' });
    expect({ timeline, names: segments.map((one) => one.timeline) }).toEqual({
      timeline: 1,
      names: [1, 1, 1, 1, 1, 1],
    });
  });

  it.each([LATEST, AT, XID])('is the newest where all WAL is of one history ($kind)', (target) => {
    expect(followTimeline(archive(8, 3), target)).toMatchObject({
      timeline: 2,
      setting: '2',
      mustShowAfter: false,
    });
  });

  it('of the latest is the newest, whatever was left behind', () => {
    expect(followTimeline(archive(4, 3), LATEST)).toMatchObject({ timeline: 2, setting: '2' });
  });

  it('of the latest is none for a set that the newest does not go on from', () => {
    expect(() => followTimeline(archive(4, 6), LATEST)).toThrow(expect.objectContaining(thrown));
    const late = { ...archive(4, 4), set: { name: 'F', stop: nameOf(1, 4), stopLsn: '0/4000121' } };
    expect(() => followTimeline(late, LATEST)).toThrow(expect.objectContaining(thrown));
  });

  it('of a transaction is none where WAL was left behind', () => {
    expect(() => followTimeline(archive(4, 3), XID)).toThrow(expect.objectContaining(thrown));
    expect(() => followTimeline(archive(4, 6), XID)).toThrow(expect.objectContaining(thrown));
  });

  it('of a time where WAL was left behind is that of the set, if it shows a commit after it', () => {
    expect(followTimeline(archive(4, 3), AT)).toMatchObject({ timeline: 1, mustShowAfter: true });
  });

  it('is none for a point where a third one branched off elsewhere, or has no history', () => {
    const { segments, newest, ...rest } = archive(8, 3);
    const third = {
      ...rest,
      newest: { timeline: 3, history: newest?.history ?? [] },
      segments: [...segments, ...on(3, 8)],
    };
    expect(() => followTimeline(third, XID)).toThrow(expect.objectContaining(thrown));
    expect(() => followTimeline({ ...rest, segments }, XID)).toThrow(expect.objectContaining(thrown));
  });

  it('of a set that names no WAL must be the only one for a point', () => {
    const cold = { ...archive(8, 3), set: { name: 'F' } };
    expect(() => followTimeline(cold, XID)).toThrow(expect.objectContaining(thrown));
    expect(followTimeline(cold, LATEST)).toMatchObject({ setting: 'latest' });
  });

  it('is read from histories', () => {
    expect(readHistory('1\t0/2000120\treached consistency\n\n2\t1/A0\tno recovery target\n', 'h')).toEqual([
      { timeline: 1, at: 0x2000120n },
      { timeline: 2, at: 0x1000000a0n },
    ]);
    expect(() => readHistory('garbage\n', 'h')).toThrow(expect.objectContaining({ code: 'corrupt' }));
    expect(newestHistory(['0000000100000000', '00000002.history', '0000000A.history', 'archive.info'])).toBe(
      10,
    );
  });
});
