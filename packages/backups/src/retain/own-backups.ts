import { randomBytes } from 'node:crypto';
import type { BackupRecord } from '@muster/core';
import type { Backup } from '../repository.js';

/**
 * What Muster does, beside listing them, to the backups that it took: in the place where they lie. A backup goes in three
 * steps, each of which another process may find undone or done: `retire` takes it out of every listing and leaves it whole,
 * `bringBack` undoes that, `remove` cannot be undone. @throws `backup_unreadable`, `credentials_refused`,
 * `take_unwritable`, the reasons of a drill for what is read.
 */
export interface OwnBackups {
  /** What lies beside a backup. Undefined where nothing does, and `unreadable` where it is no record. */
  recordOf(id: string, signal: AbortSignal): Promise<BackupRecord | 'unreadable' | undefined>;
  /** Of the bytes of a backup, `sha256:…`; undefined where to read them would be dear. */
  digestOf(backup: Backup, signal: AbortSignal): Promise<string | undefined>;
  /** @returns false where it is gone. */
  retire(id: string, signal: AbortSignal): Promise<boolean>;
  bringBack(id: string, signal: AbortSignal): Promise<void>;
  /** What these retired, for good, and its record. @returns false where another process brought it back. */
  remove(id: string, signal: AbortSignal): Promise<boolean>;
  /** After a process that died: brings back what it had retired, and ends what it had begun to remove. @returns both, by their ids. */
  settle(signal: AbortSignal): Promise<Settled>;
}

export interface Settled {
  readonly broughtBack: readonly string[];
  readonly removed: readonly string[];
}

/** Which prune retires: one that runs at the same time and brings back what this one had taken out takes it out of this one's hand. */
export const newPrune = (): string => randomBytes(6).toString('hex');

/** Names of what is retired, and of what is being removed: hidden, so that nothing lists them. */
export const retiredName = (id: string, prune: string): string => `.${id}.${prune}.muster-retired`;
export const goingName = (id: string): string => `.${id}.muster-going`;

/** The id of what is called so; undefined of another name. */
export function readHiddenName(
  name: string,
): { readonly id: string; readonly state: 'retired' | 'going' } | undefined {
  const [, retired] = /^\.([^/]+)\.[0-9a-f]{12}\.muster-retired$/.exec(name) ?? [];
  if (retired !== undefined) return { id: retired, state: 'retired' };
  const [, going] = /^\.([^/]+)\.muster-going$/.exec(name) ?? [];
  return going === undefined ? undefined : { id: going, state: 'going' };
}

/** What lies beside what is being removed proves whose it is: that a take of Muster made a backup of this id. */
export const provesOwn = (record: BackupRecord | 'unreadable' | undefined, id: string): boolean =>
  typeof record === 'object' && record.take !== undefined && record.backup.id === id;
