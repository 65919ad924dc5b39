/** `globals.sql`, `shop.globals.sql.gz`, `pg_globals_2026-11-21.sql.age`, `roles.sql`: what people call what pg_dumpall writes. */
const NAME = /(?:^|[._-])(?:globals?|roles)(?:[._-].*)?\.sql(?:\.(?:gz|zst|age))*$/i;

/** {@link Engine.isGlobalsName} of PostgreSQL. */
export const isGlobalsName = (name: string): boolean => NAME.test(name);
