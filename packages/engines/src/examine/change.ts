import type { BigIntStats } from 'node:fs';
import { MusterError } from '@muster/core';

/** Another file, or the same one written to: its times are those of the file system, to the nanosecond. */
export const changed = (before: BigIntStats, after: BigIntStats): boolean =>
  (['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const).some((key) => before[key] !== after[key]);

export const backupChanged = (): MusterError =>
  new MusterError(
    'backup_changed',
    'The backup changed while it was read. Let backups be written under another name and renamed when they are whole.',
  );
