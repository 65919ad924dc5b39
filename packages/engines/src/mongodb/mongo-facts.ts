import type { Wrapper } from '../bytes/wrapper.js';
import type { BackupFacts } from '../engine.js';

/** The form mongodump wrote. */
type MongoContainer = 'archive' | 'directory';

/** What the head of a dump of mongodump tells, beyond the contract. */
export interface MongoFacts extends BackupFacts {
  readonly container: MongoContainer;
  /** Of an archive: what the whole is inside of. Of a directory: what each of its files is inside of. */
  readonly wrapper: Wrapper;
  /** Taken with `--oplog`: what was written meanwhile is yet to be replayed. */
  readonly hasOplog: boolean;
}

/** The version to restore into where the dump does not tell one. */
export const DEFAULT_MAJOR = 8;

/** True for facts that this engine's `identify` made. */
export const isMongoFacts = (facts: BackupFacts): facts is MongoFacts =>
  'container' in facts && 'hasOplog' in facts;

/** `7.0.14`, `8.0.0-rc1` → the number before the first dot. */
export const majorOf = (version: string): number =>
  Number(/^(\d{1,3})(?:\D|$)/.exec(version)?.[1] ?? DEFAULT_MAJOR);
