import type { ScratchLimits, Source } from '@muster/core';

const MIB = 1024 * 1024;
/** A generous guess of how much a compressed dump grows, indexes included; where it is wrong the disk is behind it. */
const GROWTH = 30;
/** A server with nothing in it, its WAL included. */
const FLOOR_BYTES = 256 * MIB;

export interface Place {
  readonly data: 'memory' | 'disk';
  readonly limits: ScratchLimits;
}

/** Whether what is restored is kept for the next drill: on disk, then. */
export const isKept = ({ backup }: Source): boolean => backup.type === 'pgbackrest' && backup.delta === true;

/**
 * Where the data directory may lie, best first. Memory (tmpfs) is faster to make and bounded for certain, but its bytes
 * count as memory: so only for a backup that surely fits, and with the disk behind it should the guess be wrong.
 * @param sizeBytes of the backup; absent for a live dump, and where more than the backup will lie there.
 */
export function placesFor(source: Source, sizeBytes: number | undefined): readonly [Place, ...Place[]] {
  const disk: Place = { data: 'disk', limits: source.scratch };
  if (sizeBytes === undefined || isKept(source)) return [disk];
  const room = Math.min(source.scratch.diskBytes, Math.floor(source.scratch.memoryBytes / 2));
  if (sizeBytes * GROWTH + FLOOR_BYTES > room) return [disk];
  const memory: Place = { data: 'memory', limits: { ...source.scratch, diskBytes: room } };
  return room < source.scratch.diskBytes ? [memory, disk] : [memory];
}
