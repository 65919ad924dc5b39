import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, MusterError, unreadable } from '@muster/core';

/** A WAL segment by the parts of its name, numbers of 32 bits each. */
export interface Segment {
  readonly name: string;
  readonly timeline: number;
  readonly log: number;
  readonly number: number;
}

export interface ArchivedSegment extends Segment {
  readonly path: string;
}

const SEGMENT = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;
/** What pgBackRest adds to the name of a segment, once all of it is there. */
const ARCHIVED = /-[0-9a-f]{40}(?:\.(?:gz|lz4|zst|bz2))?$/;

/** Reads a segment from the name of its file in a repository; undefined for what is none, or not whole yet. */
export function readArchivedSegment(name: string): Segment | undefined {
  return ARCHIVED.test(name) ? readSegment(name.replace(ARCHIVED, '')) : undefined;
}

/** Reads a segment from its own name of 24 hex digits; undefined for what is none. */
export function readSegment(name: string): Segment | undefined {
  const [, timeline, log, number] = SEGMENT.exec(name) ?? [];
  if (timeline === undefined || log === undefined || number === undefined) return undefined;
  return {
    name,
    timeline: Number.parseInt(timeline, 16),
    log: Number.parseInt(log, 16),
    number: Number.parseInt(number, 16),
  };
}

/** Where the WAL of one cluster is in a repository. */
export const archiveDirectory = (repository: string, stanza: string, archiveId: string): string =>
  join(repository, 'archive', stanza, archiveId);

/** Names in an archive that are looked at: segments of 16 MiB for 15 TiB of WAL. */
const MOST_NAMES = 1_000_000;

/**
 * The WAL segments of one cluster in a pgBackRest repository: `archive/<stanza>/<id>/<16 digits>/<24 digits>-<sha1>`.
 * @throws `backup_unreadable`, also where there are more than `mostNames` names.
 */
export async function listWal(
  repository: string,
  stanza: string,
  archiveId: string,
  mostNames = MOST_NAMES,
): Promise<readonly ArchivedSegment[]> {
  const directory = archiveDirectory(repository, stanza, archiveId);
  let names = 0;
  const count = (): void => {
    names += 1;
    if (names > mostNames) throw tooMany(directory, mostNames);
  };
  const logs: string[] = [];
  for await (const name of namesIn(directory)) {
    count();
    if (/^[0-9A-F]{16}$/.test(name)) logs.push(name);
  }
  const segments: ArchivedSegment[] = [];
  for (const log of logs) {
    for await (const name of namesIn(join(directory, log))) {
      count();
      const segment = readArchivedSegment(name);
      if (segment !== undefined) segments.push({ ...segment, path: join(directory, log, name) });
    }
  }
  return segments;
}

/** The first of what was fetched that has not the SHA-1 which its name in the archive has. */
export function otherThanNamed(
  segments: readonly ArchivedSegment[],
  fetched: readonly { readonly name: string; readonly sha1: string }[],
): string | undefined {
  const named = new Map(segments.map(({ name, path }) => [name, SHA1.exec(path)?.[1]]));
  return fetched.find(({ name, sha1 }) => named.has(name) && named.get(name) !== sha1)?.name;
}

const SHA1 = /[0-9A-F]{24}-([0-9a-f]{40})(?:\.[a-z0-9]+)?$/;

const tooMany = (directory: string, mostNames: number): MusterError =>
  new MusterError(
    'backup_unreadable',
    `The WAL archive ${directory} has over ${mostNames} files, more than are looked at: let pgBackRest expire WAL (repo1-retention-archive), or take out what it did not write.`,
  );

/** None where there is no such directory. @throws `backup_unreadable` */
export async function* namesIn(directory: string): AsyncGenerator<string, void, undefined> {
  try {
    for await (const { name } of await opendir(directory)) yield name;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw unreadable(`The WAL archive ${directory}`, error);
  }
}

/** WAL that is archived by several processes may come out of order; this is how long pgBackRest itself waits for it. */
const ARCHIVING_MS = 60_000;

/** Whether all that lies behind a missing segment came just now, so that it may yet come itself. */
export async function isStillArchived(
  segments: readonly ArchivedSegment[],
  missing: string,
  now: Date,
): Promise<boolean> {
  // Beyond the timeline, the order of names is that of positions.
  const behind = segments.filter(({ name }) => name.slice(8) > missing.slice(8));
  const [next] = behind.toSorted((a, b) => (a.name.slice(8) < b.name.slice(8) ? -1 : 1));
  const came = next && (await stat(next.path).catch(() => undefined))?.mtime;
  return came !== undefined && now.getTime() - came.getTime() < ARCHIVING_MS;
}

/** What a replay needs: from the set's first segment to the end. */
export interface WalNeed {
  readonly start: string;
  readonly stop: string;
  /** `stop`: just what makes the set whole. `end`: everything there is after it, too. */
  readonly until: 'stop' | 'end';
  /** Bytes of a segment, as the cluster's control file names it. */
  readonly segmentBytes: number;
}

export interface WalFound {
  /** The first segment that is not there; what comes after it is. */
  readonly missing?: string;
  /** Position of the last segment of the newest timeline. */
  readonly last: number;
  /** How many there are to replay. */
  readonly count: number;
}

/**
 * Whether the segments that a replay needs follow one another. A timeline that branched off goes on with the numbers of
 * the one that it came from, so a number is there if any timeline since the set's own has it.
 */
export function followWal(segments: readonly Segment[], need: WalNeed): WalFound {
  const position = (segment: Segment) => positionIn(segment, need.segmentBytes);
  const [start, stop] = [readSegment(need.start), readSegment(need.stop)];
  if (start === undefined || stop === undefined)
    throw new MusterError('corrupt', 'The repository names no WAL segments for the backup set.');
  const newest = segments.reduce((most, { timeline }) => Math.max(most, timeline), start.timeline);
  const there = new Set(segments.filter(({ timeline }) => timeline >= start.timeline).map(position));
  const ofNewest = segments.filter(({ timeline }) => timeline === newest).map(position);
  const end =
    need.until === 'stop'
      ? position(stop)
      : ofNewest.reduce((most, at) => Math.max(most, at), position(stop));
  for (let at = position(start); at <= end; at += 1) {
    if (!there.has(at)) {
      const timeline = at <= position(stop) ? start.timeline : newest;
      return {
        missing: segmentName(timeline, at, need.segmentBytes),
        last: end,
        count: at - position(start),
      };
    }
  }
  return { last: end, count: end - position(start) + 1 };
}

/** How many segments have the same second part of a name. */
const perLog = (segmentBytes: number): number => 2 ** 32 / segmentBytes;

const positionIn = ({ log, number }: Segment, segmentBytes: number): number =>
  log * perLog(segmentBytes) + number;

function segmentName(timeline: number, position: number, segmentBytes: number): string {
  const numbers = perLog(segmentBytes);
  return [timeline, Math.floor(position / numbers), position % numbers]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
}

/** The position of a segment by its name, comparable with {@link WalFound.last}. */
export function positionOf(name: string, segmentBytes: number): number | undefined {
  const segment = readSegment(name);
  return segment && positionIn(segment, segmentBytes);
}
