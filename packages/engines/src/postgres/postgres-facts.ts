import { MusterError } from '@muster/core';
import type { Wrapper } from '../bytes/wrapper.js';
import type { BackupFacts } from '../engine.js';
import type { Toc } from './format/toc.js';
import type { DatabaseShape } from './restore/create-database.js';

/** The form pg_dump wrote. */
export type Container = 'custom' | 'tar' | 'directory' | 'plain';

/** What the head of a PostgreSQL dump tells, beyond the contract. */
export interface PostgresFacts extends BackupFacts {
  readonly container: Container;
  /** A directory is never wrapped as a whole. */
  readonly wrapper: Wrapper;
  /** Absent for plain dumps. */
  readonly toc?: Toc;
  /** How the database was made: from the DATABASE entry or `CREATE DATABASE` (pg_dump -C), else from client_encoding. */
  readonly shape: DatabaseShape;
}

/** True for facts that this engine's `identify` made. */
export const isPostgresFacts = (facts: BackupFacts): facts is PostgresFacts =>
  'container' in facts && 'shape' in facts;

/** `15.2 (Debian …)` → 15, `18beta1` → 18; of both the newer. @throws `corrupt` if neither is a version. */
export function newerMajor(...versions: readonly string[]): number {
  const majors = versions.flatMap((version) => /^(\d{1,3})(?:\D|$)/.exec(version)?.[1] ?? []).map(Number);
  if (majors.length > 0) return Math.max(...majors);
  throw new MusterError(
    'corrupt',
    'The dump does not say which version of PostgreSQL it is of. Take another backup.',
  );
}
