import { Readable } from 'node:stream';
import { isMusterError } from '@muster/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainFilter } from './plain-filter.js';

const FOOTER = '\n--\n-- PostgreSQL database dump complete\n--\n';

interface Passed {
  readonly text: string;
  /** Roles, and what had passed when each was reported. */
  readonly roles: readonly (readonly [string, string])[];
}

async function pass(
  dump: string | Buffer,
  options: { database?: string; pieces?: number; footer?: boolean } = {},
): Promise<Passed> {
  const bytes = Buffer.concat([Buffer.from(dump), Buffer.from(options.footer === false ? '' : FOOTER)]);
  const size = options.pieces ?? bytes.length;
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  const roles: [string, string][] = [];
  let text = '';
  const filter = plainFilter({
    ...(options.database === undefined ? {} : { database: options.database }),
    onRoles: async (names) => {
      await new Promise((resolve) => setImmediate(resolve));
      for (const name of names) roles.push([name, text]);
    },
  });
  for await (const chunk of Readable.from(chunks).pipe(filter)) text += chunk.toString('latin1');
  return { text: Buffer.from(text, 'latin1').toString('utf8').replace(FOOTER, ''), roles };
}

const codeOf = async (dump: string | Buffer, options: Parameters<typeof pass>[1] = {}): Promise<string> => {
  try {
    await pass(dump, options);
    return 'passed';
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

describe('what pg_dump writes passes unchanged', () => {
  const UNCHANGED = [
    [
      'a table and its data',
      'CREATE TABLE t (a int);\n\nCOPY public.t (a, "b;c") FROM stdin;\n1\t\\N\n\\\\.\n\\.x\n\\.\n\n\nSELECT 1;\n',
    ],
    ['an empty table', 'COPY public."Odd ""Name"";\\" (a) FROM stdin;\n\\.\n'],
    ['data that look like commands', 'COPY t (a) FROM stdin;\n\\restrict x\n\\! id\n;\'$$"/*\n\\.\n'],
    [
      'Windows line ends',
      "SET client_encoding = 'UTF8';\r\nCOPY t (a) FROM stdin;\r\n1\r\n\\.\r\nSELECT 'a';\r\n",
    ],
    ['dollar quotes', "CREATE FUNCTION f() RETURNS int AS $_$ \\! ; $$ ' $_x$ $_$ LANGUAGE sql;\n"],
    ['identifiers with dollars', 'SELECT a$b$c, d$$e;\nSELECT 1;\n'],
    ['nested comments', '/* \\! /* \' */ ; " */ SELECT 1;\n'],
    [
      'a body with semicolons',
      'CREATE FUNCTION g() RETURNS int\n BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;\nSELECT 1;\n',
    ],
    ['a rule with semicolons', 'CREATE RULE r AS ON INSERT TO t DO ALSO (NOTIFY a; NOTIFY b);\n'],
    ['escape strings', "COMMENT ON TABLE t IS E'a\\\\ b\\n\\x27';\n"],
    ['casts and slices', 'SELECT tags[1:2], tags[lo:hi], a::text, (b)[1:"n"];\n'],
    ['parameters', 'PREPARE p AS SELECT $1 + $2;\n'],
    [
      'large objects',
      "BEGIN;\nSELECT pg_catalog.lo_open('1', 131072);\nSELECT pg_catalog.lowrite(0, '\\x00ff');\nCOMMIT;\n",
    ],
    ['a backslash in a string', "INSERT INTO t VALUES ('a\\b', '\\\\', 'c');\n"],
  ] as const;

  it.each(UNCHANGED)('%s', async (_, dump) => {
    expect((await pass(dump)).text).toBe(dump);
  });

  it.each(UNCHANGED)('%s, in any pieces', async (_, dump) => {
    for (const pieces of [1, 2, 3, 7]) expect((await pass(dump, { pieces })).text).toBe(dump);
  });

  it('however it is cut into pieces and whatever the data are', async () => {
    const line = fc.oneof(
      fc.constant('\\.x'),
      fc.constant(' \\.'),
      fc.constant('\\.\r'),
      fc.string({ unit: fc.constantFrom('\\', '.', '\r', 'a', "'") }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), async (lines, pieces) => {
        const data = lines
          .filter((text) => text !== '\\.' && text !== '\\.\r')
          .map((text) => `${text}\n`)
          .join('');
        const dump = `COPY t (a) FROM stdin;\n${data}\\.\nSELECT 1;\n`;
        expect((await pass(dump, { pieces })).text).toBe(dump);
      }),
    );
  });
});

describe('what pg_dump writes for psql is taken out', () => {
  it('\\restrict and \\unrestrict', async () => {
    expect((await pass('\\restrict abc123\nSELECT 1;\n\\unrestrict abc123\n')).text).toBe('SELECT 1;\n');
  });

  it('the making of the database, and the connection to it', async () => {
    const dump =
      'CREATE DATABASE "my db" WITH TEMPLATE = template0;\nALTER DATABASE "my db" OWNER TO x;\n\\encoding SQL_ASCII\n' +
      '\\connect -reuse-previous=on "dbname=\'my db\'"\nALTER DATABASE "my db" SET a TO \'b\';\n';
    const { text, roles } = await pass(dump, { database: 'my db' });
    expect(text.trim()).toBe('ALTER DATABASE "my db" SET a TO \'b\';');
    expect(roles).toEqual([]);
  });

  it.each([
    ['\\connect plain', 'plain'],
    ['\\connect "Quoted"', 'Quoted'],
    [`\\connect -reuse-previous=on "dbname='it\\'s \\\\ ""so""'"`, `it's \\ "so"`],
  ])('%s', async (command, database) => {
    expect(await codeOf(`${command}\n`, { database })).toBe('passed');
    expect(await codeOf(`${command}\n`, { database: 'other' })).toBe('unsupported_dump');
  });

  it('a place on the disks of the source', async () => {
    expect((await pass("SET default_tablespace = fast;\nSET default_tablespace = '';\n")).text.trim()).toBe(
      "SET default_tablespace = '';",
    );
  });

  it.each([
    ['CREATE SCHEMA public;', 'CREATE SCHEMA IF NOT EXISTS public;'],
    ['DROP TABLE public.t;', 'DROP TABLE IF EXISTS public.t;'],
    ['DROP MATERIALIZED VIEW a.b;', 'DROP MATERIALIZED VIEW IF EXISTS a.b;'],
    ['DROP TEXT SEARCH CONFIGURATION a.b;', 'DROP TEXT SEARCH CONFIGURATION IF EXISTS a.b;'],
    ['DROP TABLE IF EXISTS public.t;', 'DROP TABLE IF EXISTS public.t;'],
    [
      'ALTER TABLE ONLY a.t DROP CONSTRAINT "t;pk";',
      'ALTER TABLE IF EXISTS ONLY a.t DROP CONSTRAINT IF EXISTS "t;pk";',
    ],
    [
      'ALTER TABLE a.t ALTER COLUMN id DROP DEFAULT;',
      'ALTER TABLE IF EXISTS a.t ALTER COLUMN id DROP DEFAULT;',
    ],
    [
      "SELECT pg_catalog.lo_unlink('16430');",
      "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '16430';",
    ],
  ])('%s fails on no empty database', async (statement, becomes) => {
    expect((await pass(`-- a comment\n${statement}\n`)).text.split('\n').slice(1).join('\n').trim()).toBe(
      becomes,
    );
  });
});

describe('roles are reported before the statement that names them passes', () => {
  it.each([
    ['ALTER TABLE t OWNER TO alice;', ['alice']],
    ['ALTER TABLE t OWNER TO "Al ""ice""";', ['Al "ice"']],
    ['GRANT SELECT ON TABLE t TO a, "B", PUBLIC, pg_monitor;', ['a', 'B']],
    ['GRANT ALL ON TABLE "to" TO Carol WITH GRANT OPTION;', ['carol']],
    ['REVOKE ALL ON SCHEMA s FROM PUBLIC;', []],
    ['REVOKE ALL ON SCHEMA s FROM dave GRANTED BY erin;', ['dave', 'erin']],
    ['ALTER DEFAULT PRIVILEGES FOR ROLE a, b IN SCHEMA s GRANT SELECT ON TABLES TO c;', ['a', 'b', 'c']],
    ['CREATE POLICY p ON t FOR SELECT TO a, b USING (x > 0);', ['a', 'b']],
    ['CREATE SCHEMA s AUTHORIZATION a;', ['a']],
    ['CREATE USER MAPPING FOR a SERVER s;', ['a']],
    ["SET SESSION AUTHORIZATION 'a';", ['a']],
    ['SET SESSION AUTHORIZATION DEFAULT;', []],
    ['ALTER ROLE a IN DATABASE d SET x TO y;', ['a']],
    ["COMMENT ON TABLE t IS 'OWNER TO x';", []],
  ])('%s', async (statement, roles) => {
    const passed = await pass(`SELECT 1;\n${statement}\n`);
    expect(passed.roles.map(([role]) => role)).toEqual(roles);
    for (const [, before] of passed.roles) expect(before).toBe('SELECT 1;');
  });

  it('each once', async () => {
    expect((await pass('GRANT a TO b;\nGRANT c TO b;\n')).roles.map(([role]) => role)).toEqual(['b']);
  });

  it('in the encoding of the dump', async () => {
    const dump = Buffer.from(
      'SET client_encoding = \'LATIN1\';\nALTER TABLE t OWNER TO "J\xf6rg";\n',
      'latin1',
    );
    expect((await pass(dump)).roles.map(([role]) => role)).toEqual(['Jörg']);
  });
});

describe('nothing of a dump becomes a command of psql', () => {
  it.each([
    ['a command', '\\! id\n'],
    ['a command after a statement', 'SELECT 1; \\! id\n'],
    ['a command within a statement', 'SELECT 1\n\\gexec\n'],
    ['a command after blanks', '  \\copy t from x\n'],
    ['a command behind \\restrict', '\\restrict x \\! id\n'],
    ['a forced semicolon', 'SELECT 1\\; SELECT 2;\n'],
    ['a command after a comment', '/* */ \\! id\n'],
    ['\\encoding without \\connect', '\\encoding SQL_ASCII\nSELECT 1;\n'],
    ['another encoding', '\\encoding SJIS\n'],
    ['a connection elsewhere', '\\connect "host=evil dbname=x"\n'],
    ['a variable', 'SELECT :PROMPT1;\n'],
    ['a quoted variable', "SELECT :'HOST';\n"],
    ["a command after E''", "SELECT E'\\''; \\! id\n"],
    ['a command after data', 'COPY t (a) FROM stdin;\n\\.\n\\! id\n'],
  ])('%s is refused', async (_, dump) => {
    expect(await codeOf(dump)).toBe('meta_command');
  });

  it.each([
    ['a command after a carriage return', '-- x\r\\! id\n'],
    ['COPY in another format', 'COPY t FROM stdin WITH (FORMAT csv);\n\\.\n'],
    ['COPY of a file', "COPY t FROM '/etc/passwd';\n"],
    ['COPY from a program', "COPY t FROM PROGRAM 'id';\n"],
    ['COPY to the client', 'COPY t TO stdout;\n'],
    ['COPY with more on its line', 'COPY t FROM stdin; SELECT 1;\n\\.\n'],
    ['an encoding in which a quote may be half a letter', "SET client_encoding = 'SJIS';\n"],
    ['SET NAMES', "SET NAMES 'SJIS';\n"],
    ['RESET ALL', 'RESET ALL;\n'],
    ['a local setting', 'SET LOCAL standard_conforming_strings = off;\n'],
    ['a setting that takes effect within a line', "SET standard_conforming_strings = off; SELECT '\\'';\n"],
    ["E'' that goes on", "SELECT E'a'\n'b\\'';\n"],
    ['a number that runs into a quote', 'SELECT 1$$a$$;\n'],
    ['a parameter that runs into a quote', 'SELECT $1$$a$$;\n'],
    ['a vertical tab', 'SELECT\v1;\n'],
  ])('%s is refused', async (_, dump) => {
    expect(await codeOf(dump)).toBe('unsupported_dump');
  });

  it('a second database is refused', async () => {
    expect(await codeOf('CREATE DATABASE b;\n', { database: 'a' })).toBe('unsupported_dump');
  });

  it('a zero byte is damage', async () => {
    expect(await codeOf('SELECT 1;\0\n')).toBe('corrupt');
    expect(await codeOf('COPY t (a) FROM stdin;\na\0\n\\.\n')).toBe('corrupt');
  });

  it('settings are repeated on a line of their own where psql could read on differently', async () => {
    const dump = "SET client_encoding = 'UTF8';\nDO $$x$$; SELECT 'C:\\'; SELECT 'é';\n";
    expect((await pass(dump)).text).toBe(
      "SET client_encoding = 'UTF8';\nDO $$x$$;\nSET standard_conforming_strings = on;\n SELECT 'C:\\';\nSET client_encoding = 'UTF8';\n SELECT 'é';\n",
    );
  });

  it('strings with standard_conforming_strings off are read as psql reads them', async () => {
    const off = 'SET standard_conforming_strings = off;\n';
    expect(await codeOf(`${off}SELECT 'a\\'; \\! id';\n`)).toBe('passed');
    expect(await codeOf(`${off}SELECT 'a\\\\'; \\! id\n`)).toBe('meta_command');
  });
});

describe('a dump that was cut is told', () => {
  const dump = "SET a = 'b';\nCOPY t (a) FROM stdin;\n1\n2\n\\.\n\nCREATE FUNCTION f() AS $$ x; $$;\n";

  it('wherever it was cut', async () => {
    const whole = dump + FOOTER;
    for (let length = 0; length < whole.indexOf('complete') + 'complete'.length; length += 1) {
      expect(await codeOf(whole.slice(0, length), { footer: false })).toBe('truncated');
    }
  });

  it('and more after its last line is another dump', async () => {
    expect(await codeOf(`${dump}${FOOTER}SELECT 1;\n`, { footer: false })).toBe('truncated');
  });
});

describe('any input at all', () => {
  it('passes or is refused with a reason', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "'",
        '"',
        '$$',
        '$a$',
        '\\',
        ';',
        '\n',
        '/*',
        '*/',
        '--',
        '\r',
        'E',
        'COPY t FROM stdin;\n',
        '\\.\n',
        '(',
        ')',
        ':',
        'x',
        ' ',
        '1',
      ),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.integer({ min: 1, max: 20 }), async (pieces, size) => {
        expect(await codeOf(pieces.join(''), { pieces: size })).toMatch(
          /^(passed|meta_command|unsupported_dump|truncated|corrupt)$/,
        );
      }),
      { numRuns: 500 },
    );
  });
});

it('a statement of a great many short lines takes little more memory than its bytes', async () => {
  const filter = plainFilter({ onRoles: async () => undefined });
  const lines = Buffer.alloc(1024 * 1024, '\n');
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 6; i += 1) {
    await new Promise((resolve) => filter.write(lines, resolve));
  }
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024);
  filter.destroy();
});
