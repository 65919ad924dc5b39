import { isFuture, MusterError } from '@muster/core';
import type { Backup } from './repository.js';

const ADVICE = {
  header:
    'see whether the clock of the machine that made it is right, and whether its header is of the zone that backup.tz of the source names, or of UTC where it names none',
  name: 'give it a name of its true time, and name the zone of names as backup.tz where that is not UTC',
  mtime: 'give the file its true time (touch -d)',
  dump: 'see whether the clock is right',
} as const;

/**
 * How old a backup of the future is cannot be told: it would stay the newest, and meet every rpo, for as long as its time
 * has not come.
 * @throws `future_dated`
 */
export function requirePast({ createdAt, createdAtFrom, location }: Backup, now: Date): void {
  if (!isFuture(createdAt, now)) return;
  throw new MusterError(
    'future_dated',
    `The backup ${location} was made at ${createdAt.toISOString()} by its ${WORDS[createdAtFrom]}, and here it is ${now.toISOString()}: nobody can say which backup is the newest, nor how old. First see whether the clock of the worker is right; then ${ADVICE[createdAtFrom]}; else move it away.`,
  );
}

const WORDS = { header: 'header', name: 'name', mtime: 'file time', dump: 'dump' } as const;
