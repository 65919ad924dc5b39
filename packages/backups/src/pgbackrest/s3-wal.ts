import { type RecoveryTarget, readArchivedSegment } from '@muster/engines';
import type { S3Object } from '@muster/s3';
import type { S3Place } from '../s3-place.js';
import type { ListedSet } from './repository-store.js';
import { objectsBelow } from './s3-listing.js';

/** Of a timeline, or of the directory of its segments. */
const TIMELINE_DIGITS = 8;
const DIRECTORY_DIGITS = 16;

/**
 * The WAL that a replay may read: the segments from the set's first on, of its timeline and those that branched off, and
 * the histories of timelines. Up to the set's last segment where the replay ends there. Elsewhere all there is, also for a
 * point in time: behind it a commit has to be seen, and nobody knows from outside which segment has the next.
 */
export async function walOf(
  place: S3Place,
  { set: { wal, archiveId }, stanza }: ListedSet,
  recoverTo: RecoveryTarget,
  signal: AbortSignal,
): Promise<readonly S3Object[]> {
  const archive = `archive/${stanza}/${archiveId}/`;
  const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  const isHistory = (path: string) => /^[0-9A-F]{8}\.history/.test(nameOf(path));
  if (wal === undefined) {
    const isWanted = (path: string) => isHistory(path) || readArchivedSegment(nameOf(path)) !== undefined;
    return objectsBelow(place, archive, signal, { isWanted });
  }
  const timeline = wal.start.slice(0, TIMELINE_DIGITS);
  const last = recoverTo.kind === 'immediate' ? wal.stop.slice(TIMELINE_DIGITS) : undefined;
  const isWanted = (path: string) => {
    if (isHistory(path)) return true;
    // Beyond the timeline, the order of names is that of positions.
    const position = readArchivedSegment(nameOf(path))?.name.slice(TIMELINE_DIGITS);
    if (position === undefined || position < wal.start.slice(TIMELINE_DIGITS)) return false;
    return last === undefined || position <= last;
  };
  const after = `${archive}${wal.start.slice(0, DIRECTORY_DIGITS)}/${wal.start}`;
  return [
    ...(await objectsBelow(place, `${archive}${timeline}.history`, signal)),
    ...(await objectsBelow(place, archive, signal, { after, isWanted })),
  ];
}
