import type { Readable } from 'node:stream';

/** The bytes of one backup, wherever they are. */
export type Artefact =
  | { readonly form: 'file'; readonly name: string; readonly path: string; readonly sizeBytes: number }
  | { readonly form: 'directory'; readonly name: string; readonly path: string; readonly sizeBytes: number }
  /** Bytes that flow once: a live dump. `open` may be called once. */
  | { readonly form: 'stream'; readonly name: string; open(signal: AbortSignal): Readable };
