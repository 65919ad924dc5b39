import { describe, expect, it } from 'vitest';
import { ToolStderr } from './tool-complaints.js';

function read(tool: 'psql' | 'pg_restore', text: string) {
  const stderr = new ToolStderr(tool);
  for (const piece of text.match(/.{1,7}/gs) ?? []) stderr.write(piece);
  return stderr.end();
}

describe('what pg_restore complains about', () => {
  it('is the server’s once for each of its errors', () => {
    const text = `pg_restore: connecting to database for restore
pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 7; 2615 2200 SCHEMA public postgres
pg_restore: error: could not execute query: ERROR:  schema "public" already exists
Command was: CREATE SCHEMA public;

pg_restore: error: COPY failed for table "t": ERROR:  invalid input syntax for type integer: "x"
CONTEXT:  COPY t, line 1, column i: "x"
pg_restore: warning: errors ignored on restore: 2
`;
    expect(read('pg_restore', text)).toEqual({ server: [{}, {}], own: [] });
  });

  it('counts both where parallel workers write into each other’s lines', () => {
    const text = `pg_restore:pg_restore: error: could not execute query: ERROR:  a
 error: could not execute query: ERROR:  b
`;
    expect(read('pg_restore', text).server).toHaveLength(2);
  });

  it.each([
    'pg_restore: pg_restore: creating INDEX "public.b_s_idx"\nerror: could not uncompress data: (null)\n',
    'pg_restore: error: pg_restore: creating INDEX "public.b_s_idx"\ncould not uncompress data: (null)\n',
    'pg_restore: error: pg_restore: error: could not execute query: ERROR:  a\ncould not uncompress data: (null)\n',
  ])('is its own where another worker has written into its line', (text) => {
    expect(read('pg_restore', text).own).toEqual(['could not uncompress data: (null)']);
  });

  it('is not what another worker has written into the line of the server’s', () => {
    const text = `pg_restore: error: pg_restore: creating INDEX "public.b_s_idx"
could not execute query: ERROR:  must be owner of extension plpgsql
`;
    expect(read('pg_restore', text)).toEqual({ server: [{}], own: [] });
  });

  it('is no line of a command that the server refused', () => {
    const text = `pg_restore: error: could not execute query: ERROR:  a
Command was: CREATE FUNCTION f() ...
could not uncompress data: (null)
`;
    expect(read('pg_restore', text)).toEqual({ server: [{}], own: [] });
  });

  it('is its own where it is about the archive or itself', () => {
    expect(read('pg_restore', 'pg_restore: error: could not read from input file: end of file\n')).toEqual({
      server: [],
      own: ['could not read from input file: end of file'],
    });
    expect(read('pg_restore', 'out of memory\n').own).toEqual(['out of memory']);
    expect(
      read('pg_restore', 'pg_restore: [custom archiver] could not read: end of file\n').own,
    ).toHaveLength(1);
  });
});

describe('what psql complains about', () => {
  it('is the server’s with its code', () => {
    const text = `psql:<stdin>:12: NOTICE:  00000: fine
psql:<stdin>:14: ERROR:  42P01: relation "t" does not exist
LINE 1: select * from t
LOCATION:  parserOpenTable, parse_relation.c:1392
`;
    expect(read('psql', text)).toEqual({ server: [{ sqlstate: '42P01' }], own: [] });
  });

  it('is its own where the server has no part in it', () => {
    expect(read('psql', 'psql:<stdin>:3: error: backslash commands are restricted\n').own).toEqual([
      'backslash commands are restricted',
    ]);
    expect(read('psql', 'psql: error: connection to server failed\n').own).toHaveLength(1);
  });
});
