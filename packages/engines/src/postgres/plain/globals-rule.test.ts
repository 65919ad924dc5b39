import { isMusterError } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { GLOBALS_FOOTER } from './footer.js';
import { globalsRule } from './globals-rule.js';
import { plainFilter } from './plain-filter.js';

async function passed(sql: string): Promise<string> {
  const filter = plainFilter({ footer: GLOBALS_FOOTER, rule: globalsRule(), onRoles: async () => undefined });
  filter.end(`${sql}\n${GLOBALS_FOOTER}\n`);
  const pieces: Buffer[] = [];
  for await (const piece of filter) pieces.push(piece);
  return Buffer.concat(pieces)
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('--'))
    .join('\n');
}
const refused = async (sql: string): Promise<string> => {
  try {
    return `passed: ${await passed(sql)}`;
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

describe('of the globals of a cluster', () => {
  it.each([
    'CREATE ROLE alice;',
    `CREATE ROLE "O'Neill; DROP";`,
    "ALTER ROLE alice WITH NOSUPERUSER LOGIN CONNECTION LIMIT 3 PASSWORD 'SCRAM-SHA-256$4096:x' VALID UNTIL '2027-01-01';",
    "ALTER ROLE alice SET work_mem TO '8MB';",
    'GRANT pg_read_all_data TO alice;',
    'GRANT a TO b WITH ADMIN OPTION, INHERIT TRUE GRANTED BY alice;',
    'GRANT a TO b WITH INHERIT TRUE GRANTED BY postgres;',
    'GRANT SET,ALTER SYSTEM ON PARAMETER "log_min_messages" TO alice;',
    "COMMENT ON ROLE alice IS 'it; is';",
    "SET client_encoding = 'UTF8';",
  ])('%s is run', async (sql) => {
    expect(await passed(sql)).toBe(sql);
  });

  it.each([
    'CREATE ROLE postgres;',
    'ALTER ROLE postgres WITH NOSUPERUSER NOLOGIN;',
    `ALTER ROLE "postgres" WITH PASSWORD 'x';`,
    "ALTER ROLE postgres SET session_preload_libraries TO 'evil';",
    'ALTER ROLE alice IN DATABASE shop SET work_mem = 1;',
    "CREATE TABLESPACE fast OWNER alice LOCATION '/mnt/fast';",
    'GRANT ALL ON TABLESPACE fast TO alice;',
    "SECURITY LABEL FOR anon ON ROLE alice IS 'MASKED';",
    'DROP ROLE IF EXISTS alice;',
    '\\restrict word',
  ])('%s is left out', async (sql) => {
    expect(await passed(`${sql}\nCREATE ROLE bob;`)).toBe('CREATE ROLE bob;');
  });

  it.each([
    'ALTER ROLE ALL SET default_transaction_read_only TO on;',
    'ALTER ROLE CURRENT_USER WITH NOSUPERUSER;',
    'ALTER USER postgres WITH NOLOGIN;',
    'ALTER ROLE U&"p\\006fstgres" WITH NOLOGIN;',
    'ALTER ROLE alice RENAME TO bob;',
    'REVOKE a FROM b;',
    'GRANT ALL ON DATABASE shop TO alice;',
    'SET ROLE alice;',
    'SET SESSION AUTHORIZATION alice;',
    "ALTER SYSTEM SET archive_command = 'x';",
    "COPY t FROM PROGRAM 'id';",
    'DO $$ BEGIN END $$;',
    'SELECT 1;',
    '(SELECT 1);',
    'BEGIN;',
  ])('%s is not run, nor anything', async (sql) => {
    expect(await refused(sql)).toBe('unsupported_dump');
  });

  it('commands for psql are none of it', async () => {
    expect(await refused('\\! id')).toBe('meta_command');
  });

  it('what the first superuser granted, ours did', async () => {
    const began = 'CREATE ROLE app;\nALTER ROLE app WITH SUPERUSER;\n';
    expect(await passed(`${began}GRANT a TO b WITH INHERIT FALSE GRANTED BY app;`)).toBe(
      `${began}GRANT a TO b WITH INHERIT FALSE ;`,
    );
  });

  it('a script without its end is cut', async () => {
    const filter = plainFilter({
      footer: GLOBALS_FOOTER,
      rule: globalsRule(),
      onRoles: async () => undefined,
    });
    filter.end('CREATE ROLE a;\n-- PostgreSQL database dump complete\n');
    await expect(filter.resume().toArray()).rejects.toMatchObject({ code: 'truncated' });
  });
});
