import { expect, it } from 'vitest';
import { judgeTarget, TargetStderr } from './complaints.js';

const judged = (tool: 'pg_restore' | 'psql', stderr: string, exitCode: number, finished = true) => {
  const follow = new TargetStderr(tool);
  for (const piece of stderr.match(/.{1,7}/gs) ?? []) follow.write(piece);
  try {
    return judgeTarget({ tool, exitCode, stderr: follow, finished });
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const complaint = (words: string, command = 'CREATE TABLE public.t (n integer);') =>
  `pg_restore: while PROCESSING TOC:\npg_restore: error: could not execute query: ERROR:  ${words}\nCommand was: ${command}\n\npg_restore: warning: errors ignored on restore: 1\n`;

it('what healthy dumps make a server complain about is a warning, as in a drill', () => {
  expect(
    judged('pg_restore', complaint('schema "public" already exists', 'CREATE SCHEMA public;'), 1),
  ).toEqual([{ sqlstate: '42P06', statement: 'CREATE SCHEMA', count: 1 }]);
  const unknown = complaint(
    'unrecognized configuration parameter "transaction_timeout"',
    'SET transaction_timeout = 0;',
  );
  expect(judged('pg_restore', unknown, 1)).toEqual([{ sqlstate: '42704', statement: 'SET', count: 1 }]);
  expect(judged('psql', 'psql:<stdin>:9: ERROR:  42P06: schema "public" already exists\n', 0)).toHaveLength(
    1,
  );
});

it.each([
  ['no_space', complaint('could not extend file "base/1/2": No space left on device')],
  ['target_lost', complaint('terminating connection due to administrator command')],
  ['target_read_only', complaint('cannot execute CREATE TABLE in a read-only transaction')],
  ['extension_missing', complaint('extension "postgis" is not available', 'CREATE EXTENSION postgis;')],
  ['restore_failed', complaint('relation "t" already exists')],
  ['corrupt', 'pg_restore: error: could not uncompress data: (null)\n'],
  ['truncated', 'pg_restore: error: could not read from input file: end of file\n'],
  [
    'target_lost',
    'pg_restore: error: connection to server on socket "/x" failed: server closed the connection\n',
  ],
])('all else is %s', (code, stderr) => {
  expect(judged('pg_restore', stderr, 1)).toBe(code);
});

it('a tool that says nothing, and did not come to its end, has not restored', () => {
  expect(judged('pg_restore', '', 1)).toBe('restore_failed');
  expect(judged('psql', '', 0, false)).toBe('restore_failed');
  expect(judged('pg_restore', '', 0)).toEqual([]);
});
