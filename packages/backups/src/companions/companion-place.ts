import { MusterError, type Sha256 } from '@muster/core';

/** Where a companion is: what must be in place before a server starts. */
export interface CompanionPlace {
  /** Without credentials, for receipts and messages. */
  readonly location: string;
  /**
   * What there is, and whether there is room for it, as {@link fetch} sees that before it reads the first byte.
   * @throws as that does, but for what reading finds.
   */
  look(room: Pick<CompanionRoom, 'mostBytes'>, signal: AbortSignal): Promise<CompanionSize>;
  /**
   * Reads all of it once, and makes it a file or directory of this machine that all may read. `onBytes` is told all bytes
   * so far.
   * @throws `companion_missing` where there is none, or nothing in it; `companion_unusable`; `backup_unreadable`,
   * `backup_changed`, `backup_archived`, `checksum_mismatch`, `credentials_refused`, `secret_unavailable`;
   * `scratch_disk_full` where there is no room for it.
   */
  fetch(
    room: CompanionRoom,
    onBytes: (bytes: number, totalBytes: number) => void,
    signal: AbortSignal,
  ): Promise<FetchedCompanion>;
}

/** For what cannot be shown where it is. */
export interface CompanionRoom {
  /** Absolute; it is made. */
  readonly directory: string;
  readonly mostBytes: number;
}

interface CompanionSize {
  readonly sizeBytes: number;
  readonly files: number;
  /** It is copied to the worker, which takes of the room. */
  readonly copied: boolean;
}

export interface FetchedCompanion {
  /** On this machine. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly files: number;
  /** Of a single file: of its bytes. Of a directory: see `digestOf`. */
  readonly sha256: Sha256;
  /** @throws `backup_changed` where it is no longer what was read. */
  unchanged(signal: AbortSignal): Promise<void>;
}

/** More would take longer to look at than a server may take to start. */
export const MOST_FILES = 200_000;

export const missing = (location: string): MusterError =>
  new MusterError(
    'companion_missing',
    `The companion ${location} is not there, or there is no file in it: put it there, or correct companions of the source.`,
  );

/** `why`: the end of a sentence. */
export const unusable = (location: string, why: string): MusterError =>
  new MusterError('companion_unusable', `The companion ${location} cannot be shown in a scratch: ${why}.`);

export const tooMany = (location: string): MusterError =>
  unusable(location, `it has more than ${MOST_FILES} files, so name a smaller part of it`);

export const companionChanged = (location: string, cause?: unknown): MusterError =>
  new MusterError(
    'backup_changed',
    `The companion ${location} changed while the drill used it: let it be a copy that nobody writes to.`,
    { cause },
  );

/** @throws `scratch_disk_full` */
export function requireRoom(
  location: string,
  totalBytes: number,
  { mostBytes }: Pick<CompanionRoom, 'mostBytes'>,
): void {
  if (totalBytes <= mostBytes) return;
  throw new MusterError(
    'scratch_disk_full',
    `The companion ${location} has ${totalBytes} bytes and must be copied to the worker, and the scratch may have ${mostBytes}: raise scratch.disk of the source.`,
  );
}
