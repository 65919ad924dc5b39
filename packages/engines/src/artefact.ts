import type { Readable } from 'node:stream';
import type { RestoreWarning } from '@muster/core';

/** The bytes of one backup, wherever they are. */
export type Artefact =
  | { readonly form: 'file'; readonly name: string; readonly path: string; readonly sizeBytes: number }
  | { readonly form: 'directory'; readonly name: string; readonly path: string; readonly sizeBytes: number }
  | StreamArtefact;

/** Bytes that flow once: a live dump. `open` may be called once. */
export interface StreamArtefact {
  readonly form: 'stream';
  readonly name: string;
  /** What a receipt must say of how it is taken. */
  readonly warnings?: readonly RestoreWarning[];
  open(signal: AbortSignal): Readable;
}

/**
 * Inside a scratch whose `mounts` are really there: where the drill shows a file or directory artefact, read-only.
 * Elsewhere the engine streams it in.
 */
export const BACKUP_MOUNT = '/muster/backup';
