import type { BackupFacts } from '../engine.js';
import type { DatabaseShape } from './create-database.js';
import type { Toc } from './toc.js';

/** What the bytes of an artefact are wrapped in; a directory is never wrapped as a whole. */
export type Wrapper = 'none' | 'gzip' | 'zstd';

/** The form pg_dump wrote. */
export type Container = 'custom' | 'tar' | 'directory' | 'plain';

/** What the head of a PostgreSQL dump tells, beyond the contract. */
export interface PostgresFacts extends BackupFacts {
  readonly container: Container;
  readonly wrapper: Wrapper;
  /** Absent for plain dumps. */
  readonly toc?: Toc;
  /** How the database was made: from the DATABASE entry or `CREATE DATABASE` (pg_dump -C), else from client_encoding. */
  readonly shape: DatabaseShape;
}

/** True for facts that this engine's `identify` made. */
export const isPostgresFacts = (facts: BackupFacts): facts is PostgresFacts =>
  'container' in facts && 'shape' in facts;
