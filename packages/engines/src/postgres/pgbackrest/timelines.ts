import { MusterError, readLsn } from '@muster/core';
import { isPoint, type RecoveryTarget } from './recovery-log.js';
import { positionOf, readSegment, type Segment } from './wal-archive.js';

/** Where a timeline branched off the one that it came from. */
export interface Branch {
  readonly timeline: number;
  readonly at: bigint;
}

/** What lies in an archive, and the set that a replay begins with. */
export interface Archived<S extends Segment = Segment> {
  readonly segments: readonly S[];
  readonly segmentBytes: number;
  /** Of the set: name, its last segment (none of a cluster that was down) and, where known, where it became whole. */
  readonly set: { readonly name: string; readonly stop?: string; readonly stopLsn?: string };
  /** The newest timeline that has a history, and that history, oldest first. */
  readonly newest?: { readonly timeline: number; readonly history: readonly Branch[] };
}

/** What a replay follows. */
export interface Timeline<S extends Segment = Segment> {
  /** For `recovery_target_timeline`. */
  readonly setting: string;
  /** Unknown of all WAL after a set of a cluster that was down. */
  readonly timeline?: number;
  /** WAL on it. */
  readonly segments: readonly S[];
  /**
   * Others go on from elsewhere, so only a commit after the time that was asked for tells that this one was current then.
   */
  readonly mustShowAfter: boolean;
}

/**
 * The timeline that a replay follows. A set alone needs its own, and all there is leads along the newest. A point in WAL
 * lies on the newest if nothing was left behind on the way to it: no timeline has whole segments beyond its branch. Else
 * a time may be shown on the set's own; a number or a name means another thing on each.
 * @throws `timeline_ambiguous`
 */
export function followTimeline<S extends Segment>(
  archived: Archived<S>,
  target: RecoveryTarget,
): Timeline<S> {
  const { segments, set, newest } = archived;
  const own = set.stop === undefined ? undefined : readSegment(set.stop)?.timeline;
  if (own === undefined) return followUnknown(archived, target);
  const others = segments.some(({ timeline }) => timeline > own) || (newest?.timeline ?? 0) > own;
  const alone = (mustShowAfter: boolean): Timeline<S> => ({
    setting: 'current',
    timeline: own,
    segments: segments.filter(({ timeline }) => timeline === own),
    mustShowAfter,
  });
  if (target.kind === 'immediate' || !others) return alone(false);
  const line = newest && lineFrom(own, newest.timeline, newest.history);
  if (line !== undefined && goesOnAlong(archived, line) && (!isPoint(target) || isOnlyLine(archived, line))) {
    const names = new Set([...line.branches.map(({ timeline }) => timeline), line.end]);
    return {
      setting: String(line.end),
      timeline: line.end,
      segments: segments.filter(({ timeline }) => names.has(timeline)),
      mustShowAfter: false,
    };
  }
  if (target.kind === 'time') return alone(true);
  throw ambiguous(set.name, target, newest?.timeline);
}

/** Nobody says which timeline a set without WAL is of: then there may be only one. */
function followUnknown<S extends Segment>(
  { segments, set, newest }: Archived<S>,
  target: RecoveryTarget,
): Timeline<S> {
  const setting = target.kind === 'latest' ? 'latest' : 'current';
  const found = new Set(segments.map(({ timeline }) => timeline));
  if (isPoint(target) && (found.size > 1 || (newest !== undefined && !found.has(newest.timeline))))
    throw ambiguous(set.name, target);
  return { setting, segments, mustShowAfter: false };
}

interface Line {
  /** From the set's own on: where each timeline was left for the next. */
  readonly branches: readonly Branch[];
  readonly end: number;
}

function lineFrom(own: number, end: number, history: readonly Branch[]): Line | undefined {
  const from = history.findIndex(({ timeline }) => timeline === own);
  return from === -1 ? undefined : { branches: history.slice(from), end };
}

/** The set was whole before its timeline was left. */
function goesOnAlong({ set, segmentBytes }: Archived, { branches: [first] }: Line): boolean {
  if (first === undefined) return false;
  const whole = set.stopLsn === undefined ? undefined : readLsn(set.stopLsn);
  if (whole !== undefined) return whole <= first.at;
  return (positionOf(set.stop ?? '', segmentBytes) ?? 0) < segmentAt(first.at, segmentBytes);
}

/** Nothing in the archive is of another history than this. */
function isOnlyLine({ segments, segmentBytes }: Archived, { branches, end }: Line): boolean {
  const left = new Map(branches.map(({ timeline, at }) => [timeline, segmentAt(at, segmentBytes)]));
  const own = branches[0]?.timeline ?? end;
  return segments.every((segment) => {
    const { timeline, name } = segment;
    if (timeline < own || timeline === end) return true;
    const until = left.get(timeline);
    return until !== undefined && (positionOf(name, segmentBytes) ?? 0) < until;
  });
}

const segmentAt = (at: bigint, segmentBytes: number): number => Number(at / BigInt(segmentBytes));

const ambiguous = (set: string, target: RecoveryTarget, newest?: number): MusterError =>
  new MusterError(
    'timeline_ambiguous',
    target.kind === 'latest'
      ? `The newest timeline ${newest ?? ''} in the WAL archive does not go on from the newest backup set ${set}: the cluster was recovered to an earlier point. Take a new backup; until then drill older sets by their id.`
      : `The WAL archive has several timelines that go on from the backup set ${set} or beside it, and what was asked for may be another thing on each. Drill a set by its id, or ask for a time.`,
  );

/** A time that lies behind the end of a timeline which may have been left. */
export const notShown = (set: string, at: Date): MusterError =>
  new MusterError(
    'timeline_ambiguous',
    `The timeline of the backup set ${set} has no commit after ${at.toISOString()}, and the archive has WAL of other timelines: nobody can tell on which the database was then. Ask for a time that lies between two sets of one timeline, or drill a set by its id.`,
  );

/** Reads a `.history` file: a line for each timeline that was left, its number and where, in hex. @throws `corrupt` */
export function readHistory(text: string, name: string): readonly Branch[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  return lines.map((line) => {
    const [, timeline, where = ''] =
      /^\s*(\d{1,10})\s+([0-9A-F]{1,8}\/[0-9A-F]{1,8})(?:\s|$)/i.exec(line) ?? [];
    const at = readLsn(where.toUpperCase());
    if (timeline === undefined || at === undefined)
      throw new MusterError('corrupt', `The timeline history ${name} in the WAL archive cannot be read.`);
    return { timeline: Number(timeline), at };
  });
}

/** Of the names in an archive the newest timeline that has a history. */
export function newestHistory(names: readonly string[]): number | undefined {
  const found = names.flatMap((name) => /^([0-9A-F]{8})\.history$/.exec(name)?.[1] ?? []);
  return found.length === 0 ? undefined : Math.max(...found.map((digits) => Number.parseInt(digits, 16)));
}

/** The name of a timeline's history. */
export const historyName = (timeline: number): string =>
  `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
