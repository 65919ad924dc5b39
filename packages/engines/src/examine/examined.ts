import type { MusterError, Sha256 } from '@muster/core';

export interface ExamineOptions {
  /** All bytes read so far. */
  readonly onBytes: (bytes: number) => void;
  /** To how much the backup may expand where it is compressed; absent = to anything. */
  readonly contentLimitBytes?: number;
}

/** What all bytes of a backup told. */
export interface Examined {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** Evidence of damage: a MusterError whose reason is a `fail`. */
  readonly fault?: MusterError;
}
