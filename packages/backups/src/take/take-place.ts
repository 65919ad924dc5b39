import type { Sha256 } from '@muster/core';

/**
 * Where backups are written. What is not published is seen by no listing of backups, and belongs to a slot: a name that is
 * reserved, with a word on whose take it is, which is renewed while that lives.
 */
export interface TakePlace {
  /** Without credentials. */
  readonly location: string;
  /** The names there now, hidden ones too. @throws `take_unwritable`, `credentials_refused`. */
  names(signal: AbortSignal): Promise<readonly string[]>;
  /** Of one that is a single file, bytes; undefined where it is not there, or no file. */
  sizeOf(name: string, signal: AbortSignal): Promise<number | undefined>;
  /**
   * Removes what takes left that are dead: only slots that say whose they are, and that of a process of this machine which is
   * gone, or of another machine which has not renewed them for a quarter of an hour. Never a backup.
   * @returns names of what was removed.
   */
  sweep(signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Has the place for takes of one source alone, as {@link open} reserves a name: whoever dies loses it as a slot is swept.
   * Undefined where another has it. @throws as {@link open}; `take_unwritable` where what has its name is no slot.
   */
  hold(slug: string, owner: SlotOwner, signal: AbortSignal): Promise<PlaceHold | undefined>;
  /**
   * Reserves the first of these names that nothing has. @throws `take_exists` where there is none, `take_unwritable`,
   * `no_space`, `credentials_refused`.
   */
  open(names: Iterable<string>, owner: SlotOwner, signal: AbortSignal): Promise<TakeSlot>;
}

export interface PlaceHold {
  /** Aborts, with `lease_lost`, once a renewal found that it was swept, so that another may have it. */
  readonly lost: AbortSignal;
  /** Idempotent, and does not throw: what it cannot remove is swept. */
  close(): Promise<void>;
}

/** Whose a slot is. */
export interface SlotOwner {
  readonly takeId: string;
  /** The process, as {@link Liveness} reads it. */
  readonly worker: string;
}

/** Whether the process that made a slot lives; another machine's is `unknown`. */
export type Liveness = (worker: string) => 'alive' | 'dead' | 'unknown';

/** A backup that is being written. Whoever opened it closes it. */
export interface TakeSlot {
  /** The name that the backup will have. */
  readonly name: string;
  /** Where it will be, without credentials. */
  readonly location: string;
  /**
   * Makes a directory of this machine, for tools that write several files; absent where a place has only single ones. Then
   * {@link settle} and not {@link write}.
   */
  makeDirectory?(): Promise<string>;
  /** What a tool wrote into {@link makeDirectory} is on the disk itself when this resolves. */
  settle?(signal: AbortSignal): Promise<void>;
  /**
   * Writes one file. When this resolves its bytes are stored for good, and the digest is that of what lies there.
   * @throws what `bytes` throws, `no_space`, `take_unwritable`, `checksum_mismatch`, `credentials_refused`.
   */
  write(
    bytes: AsyncIterable<Uint8Array>,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<{ readonly sha256: Sha256; readonly sizeBytes: number }>;
  /**
   * Makes the record visible, and then the backup: what lists has its record, whenever this dies. Never over anything.
   * @throws `take_exists`, `take_unwritable`, `no_space`.
   */
  publish(record: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Removes all that is not published. Idempotent, and does not throw: what it cannot remove is swept. */
  close(): Promise<void>;
}

interface WriteOptions {
  readonly onBytes: (bytes: number) => void;
  /** Of the data that is dumped, if known: more than its dump is. */
  readonly sourceBytes?: number | undefined;
}

/** How often a slot is renewed, and after how long it is one of the dead, ms. */
export const RENEW_MS = 30_000;
export const STALE_MS = 15 * 60_000;
