/** The line that pg_dump writes at the end of a plain dump. */
export const PLAIN_FOOTER: Buffer = Buffer.from('-- PostgreSQL database dump complete');

/** The same of pg_dumpall. */
export const GLOBALS_FOOTER: Buffer = Buffer.from('-- PostgreSQL database cluster dump complete');
