import type { LogEntry } from '../server/server-log.js';

interface Harmless {
  readonly sqlstate: string;
  readonly statement: string;
  /** Where the kind of statement alone would let too much through: what the message must say. */
  readonly message?: RegExp;
  readonly because: string;
}

/**
 * The closed list of complaints that healthy backups give too, each with a test. Everything else that a server says while
 * it restores is evidence against the backup.
 */
export const HARMLESS: readonly Harmless[] = [
  {
    sqlstate: '42P06',
    statement: 'CREATE SCHEMA',
    message: /^schema "public" already exists$/,
    because: 'every new database has it, and pg_dump before 11 makes it again',
  },
  {
    sqlstate: '42710',
    statement: 'CREATE EXTENSION',
    message: /^extension "plpgsql" already exists$/,
    because:
      'every new database has it, and old dumps make it again (CREATE LANGUAGE does it as an extension)',
  },
  {
    sqlstate: '42704',
    statement: 'SET',
    message: /^unrecognized configuration parameter "[a-z_]+"$/,
    because:
      'a newer pg_dump sets what this server does not know; all it sets is about the session that restores',
  },
];

export const isHarmless = (entry: LogEntry): boolean =>
  entry.severity === 'ERROR' &&
  HARMLESS.some(
    ({ sqlstate, statement, message }) =>
      entry.sqlstate === sqlstate &&
      entry.statement === statement &&
      (message === undefined || message.test(entry.message)),
  );
