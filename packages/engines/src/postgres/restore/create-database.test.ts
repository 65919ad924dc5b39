import { isMusterError } from '@muster/core';
import { describe, expect, it } from 'vitest';
import { serverEncoding } from '../format/encoding.js';
import { createDatabaseStatement, shapeOfSql } from './create-database.js';

const made = (sql: string): string => createDatabaseStatement(shapeOfSql(sql), 'scratch');

describe('a database is made as the dumped one was', () => {
  it.each([
    [
      '12 to 14',
      "CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'LATIN1' LC_COLLATE = 'de_DE.ISO-8859-1' LC_CTYPE = 'C';",
      `CREATE DATABASE "scratch" WITH TEMPLATE = template0 ENCODING = 'LATIN1' LC_COLLATE = 'de_DE.ISO-8859-1' LC_CTYPE = 'C'`,
    ],
    [
      '13, one locale',
      "CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'en_US.UTF-8';",
      `CREATE DATABASE "scratch" WITH TEMPLATE = template0 ENCODING = 'UTF8' LC_COLLATE = 'en_US.UTF-8' LC_CTYPE = 'en_US.UTF-8'`,
    ],
    [
      '15, libc',
      'CREATE DATABASE "My ""db" WITH TEMPLATE = template0 ENCODING = \'SQL_ASCII\' LOCALE_PROVIDER = libc LOCALE = \'C\';',
      `CREATE DATABASE "scratch" WITH TEMPLATE = template0 ENCODING = 'SQL_ASCII' LC_COLLATE = 'C' LC_CTYPE = 'C'`,
    ],
    [
      '15, ICU',
      "CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C.UTF-8' ICU_LOCALE = 'de-AT';",
      `CREATE DATABASE "scratch" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LC_COLLATE = 'C.UTF-8' LC_CTYPE = 'C.UTF-8' ICU_LOCALE = 'de-AT'`,
    ],
    [
      '16, ICU with rules',
      "CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C' ICU_LOCALE = 'en' ICU_RULES = '&V << w <<< ''W\\';",
      `CREATE DATABASE "scratch" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LC_COLLATE = 'C' LC_CTYPE = 'C' ICU_LOCALE = 'en' ICU_RULES = E'&V << w <<< ''W\\\\'`,
    ],
    [
      '17, builtin',
      "CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = builtin LOCALE = 'C' BUILTIN_LOCALE = 'C.UTF-8';",
      `CREATE DATABASE "scratch" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = builtin LC_COLLATE = 'C' LC_CTYPE = 'C' BUILTIN_LOCALE = 'C.UTF-8'`,
    ],
    [
      'only the encoding known',
      "SET client_encoding = 'LATIN1';",
      `CREATE DATABASE "scratch" WITH TEMPLATE = template0 ENCODING = 'LATIN1' LC_COLLATE = 'C' LC_CTYPE = 'C'`,
    ],
    [
      'nothing known',
      '',
      `CREATE DATABASE "scratch" WITH TEMPLATE = template0 ENCODING = 'UTF8' LC_COLLATE = 'C.UTF-8' LC_CTYPE = 'C.UTF-8'`,
    ],
  ])('%s', (_, sql, statement) => {
    expect(made(sql)).toBe(statement);
  });

  it('under a name that cannot break out', () => {
    expect(createDatabaseStatement({}, 'a" TEMPLATE = x; --')).toMatch(
      /^CREATE DATABASE "a"" TEMPLATE = x; --" WITH/,
    );
  });

  it.each(["UTF8' ALLOW_CONNECTIONS = false --", 'SJIS', ''])('never in the encoding %j', (encoding) => {
    expect(() => createDatabaseStatement({ encoding }, 'x')).toThrow(
      expect.toSatisfy((error: unknown) => isMusterError(error, 'corrupt')),
    );
  });

  it.each([
    ['utf-8', 'UTF8'],
    ['Unicode', 'UTF8'],
    ['iso-8859-1', 'LATIN1'],
    ['win1251', 'WIN1251'],
    ['GB18030', undefined],
  ])('%s is %s', (name, encoding) => {
    expect(serverEncoding(name)).toBe(encoding);
  });
});
