import { MusterError } from '@muster/core';
import type { Toc } from './toc.js';

/** How a database was made. Values are as the dump spells them and not to be trusted. */
export interface DatabaseShape {
  /** e.g. `UTF8`, `LATIN1`, `SQL_ASCII`. */
  readonly encoding?: string;
  readonly provider?: 'libc' | 'icu' | 'builtin';
  readonly collate?: string;
  readonly ctype?: string;
  /** Locale of the provider `icu` or `builtin`. */
  readonly locale?: string;
  readonly icuRules?: string;
}

/** The shape that a table of contents tells: its DATABASE entry, else its ENCODING entry. */
export declare function shapeOf(toc: Toc): DatabaseShape;

/** Our own `CREATE DATABASE`, every word of it chosen or quoted by us. @throws `corrupt` for an encoding that PostgreSQL does not have. */
export function createDatabaseStatement(shape: DatabaseShape, name: string): string {
  throw new MusterError('internal', `${name} ${shape.encoding}`);
}
