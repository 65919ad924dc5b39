import type { Readable } from 'node:stream';

/** The bytes of one backup, wherever they are. */
export type Artefact =
  | { readonly form: 'file'; readonly name: string; readonly path: string; readonly sizeBytes: number }
  | { readonly form: 'directory'; readonly name: string; readonly path: string; readonly sizeBytes: number }
  /** Bytes that flow once: a live dump. `open` may be called once. */
  | { readonly form: 'stream'; readonly name: string; open(signal: AbortSignal): Readable };

/**
 * Inside a scratch whose `mounts` are really there: where the drill shows a file or directory artefact, read-only.
 * Elsewhere the engine streams it in.
 */
export const BACKUP_MOUNT = '/muster/backup';
