import type { Toc } from './toc.js';

/** Roles that the archive names: owners, grants, policies. Never PUBLIC or predefined ones (`pg_*`). */
export declare function rolesOf(toc: Toc): readonly string[];
/** Names of extensions it makes, in order. */
export declare function extensionsOf(toc: Toc): readonly string[];
/**
 * SQL statements that set the database's own properties (`ALTER DATABASE … SET …`, `ALTER ROLE … IN DATABASE … SET …`), which
 * pg_restore runs only with --create, each rewritten to name `database`.
 */
export declare function databasePropertiesOf(toc: Toc, database: string): readonly string[];
