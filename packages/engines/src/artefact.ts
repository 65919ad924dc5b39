import type { Readable } from 'node:stream';
import type { RestoreWarning, Sha256 } from '@muster/core';
import type { Examined } from './examine/examined.js';

/** The bytes of one backup, wherever they are. */
export type Artefact = FileArtefact | DirectoryArtefact | FlowArtefact | RepositorySet | StreamArtefact;

/** A dump that somebody else wrote. */
export type DumpArtefact = FileArtefact | DirectoryArtefact | FlowArtefact;

export interface FileArtefact {
  readonly form: 'file';
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface DirectoryArtefact {
  readonly form: 'directory';
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** A single file that is elsewhere, or encrypted. It is read from its beginning, any number of times. */
export interface FlowArtefact {
  readonly form: 'flow';
  readonly name: string;
  /** Of what is stored. */
  readonly sizeBytes: number;
  /** Files that lie beside it and may hold its digest. */
  readonly beside: readonly FileBeside[];
  /** The dump's own bytes from their beginning, fetched only as far as they are asked for. */
  head(
    signal: AbortSignal,
  ): Promise<{ readonly bytes: AsyncIterable<Uint8Array>; readonly encryption?: 'age' }>;
  /** All of them. Whoever opens it closes it. */
  open(signal: AbortSignal): Flow;
}

export interface Flow {
  /** The dump's own bytes. Where they do not come to their end it is destroyed with the reason of a drill. */
  readonly content: Readable;
  /**
   * To be asked once `content` has ended, or failed on the backup: reads what is stored to its end, and tells its digest.
   * @throws `backup_changed`, `backup_unreadable`, `cancelled`.
   */
  stored(): Promise<Examined>;
  /** Idempotent. */
  close(): void;
}

export interface FileBeside {
  readonly name: string;
  /** It is about this backup alone: `<name>.sha256`. */
  readonly own: boolean;
  read(signal: AbortSignal): Promise<Uint8Array>;
}

/** One backup set in a pgBackRest repository that is a directory of this machine, or was fetched into one. */
export interface RepositorySet {
  readonly form: 'repository';
  /** The label of the set. */
  readonly name: string;
  /** The repository. */
  readonly path: string;
  /** It was fetched for this restore, and holds no more than that needs. */
  readonly fetched?: true;
  readonly stanza: string;
  /** Of the set in the repository, with what it needs of others. */
  readonly sizeBytes: number;
  /** Of an encrypted repository. A function, so that no record of it shows the secret. */
  readonly passphrase?: () => string;
  /**
   * The SHA-256 of its manifest as it lies in the repository now, `sha256:…`, which its own checksum holds for.
   * @throws `corrupt`, `backup_unreadable`, `cancelled`.
   */
  manifestDigest(signal: AbortSignal): Promise<Sha256>;
}

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
