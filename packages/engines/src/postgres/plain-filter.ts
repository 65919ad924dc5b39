import type { Transform } from 'node:stream';

/**
 * A plain dump on its way to psql's stdin.
 *
 * psql must run with `--no-psqlrc` and `ON_ERROR_STOP=1`: a COPY that fails would otherwise make it read data as SQL.
 * What healthy dumps would trip over there (`CREATE SCHEMA public`, the DROPs of --clean) is made harmless here.
 */
export interface PlainFilterOptions {
  /** The dump's own database (pg_dump -C names it), so that `\connect` to it is dropped; absent = any first one is its own. */
  readonly database?: string;
  /**
   * Awaited before the bytes of a statement that names roles pass, with names that were not reported before.
   * Never PUBLIC, CURRENT_USER …, or predefined roles (`pg_*`).
   */
  readonly onRoles: (names: readonly string[]) => Promise<void>;
}

/**
 * @throws (destroys the stream with) `meta_command`, `truncated`, `corrupt`, `unsupported_dump`.
 */
export declare function plainFilter(options: PlainFilterOptions): Transform;
