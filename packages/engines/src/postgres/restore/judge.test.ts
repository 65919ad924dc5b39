import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../server/server-log.js';
import { HARMLESS } from './harmless.js';
import { judge, type RestoreRun } from './judge.js';

const entry = (sqlstate: string, statement: string, message = ''): LogEntry => ({
  pid: 1,
  sqlstate,
  statement,
  severity: 'ERROR',
  message,
});
const PUBLIC = entry('42P06', 'CREATE SCHEMA', 'schema "public" already exists');

function run(changes: Partial<RestoreRun> = {}): RestoreRun {
  return {
    tool: 'pg_restore',
    exitCode: 0,
    complaints: { server: [], own: [] },
    log: [],
    loss: undefined,
    after: 'there',
    finished: true,
    ...changes,
  };
}
/** A run in which tool and log agree about these errors. */
const complaining = (...log: LogEntry[]) =>
  run({ exitCode: 1, log, complaints: { server: log.map(() => ({})), own: [] } });
const saying = (own: string) => run({ exitCode: 1, complaints: { server: [], own: [own] } });
const judging = (seen: RestoreRun) => () => judge(seen);
const code = (code: string) => expect.objectContaining({ code });

describe('a restore is judged', () => {
  it('sound where nothing was said', () => {
    expect(judge(run())).toEqual([]);
  });

  it('sound, with warnings counted, where all that was said is harmless', () => {
    expect(judge(complaining(PUBLIC, PUBLIC))).toEqual([
      { sqlstate: '42P06', statement: 'CREATE SCHEMA', count: 2 },
    ]);
  });

  it.each([
    entry('42P06', 'CREATE SCHEMA', 'schema "shop" already exists'),
    entry('42P06', 'CREATE TABLE', 'schema "public" already exists'),
    { ...PUBLIC, severity: 'FATAL' as const },
    entry('23505', 'ALTER TABLE', 'could not create unique index'),
    entry('22023', 'SET', 'invalid value for parameter "client_encoding": "X"'),
  ])('failed for what only resembles a harmless error: $sqlstate $statement $message', (error) => {
    expect(judging(complaining(PUBLIC, error))).toThrow(code('restore_failed'));
  });

  it('failed, with codes and no words of the server', () => {
    const secret = entry('23505', 'COPY', 'duplicate key (email)=(a@b.c)');
    expect(judging(complaining(secret))).toThrow(/23505 COPY ×1/);
    expect(judging(complaining(secret))).not.toThrow(/a@b\.c/);
  });

  it('failed where the log has fewer or more errors than the tool reported', () => {
    expect(judging({ ...complaining(PUBLIC), log: [] })).toThrow(code('restore_failed'));
    expect(judging({ ...complaining(PUBLIC), log: [PUBLIC, PUBLIC] })).toThrow(code('restore_failed'));
  });

  it('failed where psql reported another code than the log', () => {
    const seen = run({
      tool: 'psql',
      log: [PUBLIC],
      complaints: { server: [{ sqlstate: '22000' }], own: [] },
    });
    expect(judging(seen)).toThrow(code('restore_failed'));
  });

  it('failed where psql ended before its input', () => {
    expect(judging(run({ tool: 'psql', finished: false }))).toThrow(code('restore_failed'));
  });

  it('failed where the tool ended otherwise than its complaints explain', () => {
    expect(judging(run({ exitCode: 1 }))).toThrow(code('restore_failed'));
    expect(judging({ ...complaining(PUBLIC), exitCode: 139 })).toThrow(code('restore_failed'));
  });

  it.each([
    ['could not read from input file: end of file', 'truncated'],
    ['could not close data file "y/3345.dat": No such file or directory', 'truncated'],
    ['could not close data file "y/3423.dat": Success', 'truncated'],
    ['could not open input file "y/3423.dat": No such file or directory', 'truncated'],
    ['could not open large object TOC file "y/blobs.toc" for input: No such file or directory', 'truncated'],
    ['could not uncompress data: incorrect data check', 'corrupt'],
    ['could not uncompress data: invalid distance too far back', 'corrupt'],
    ['could not read from input file: y/3423.dat.gz: incorrect data check', 'corrupt'],
    ['could not decompress data: Data corruption detected', 'corrupt'],
    ['could not find block ID 3346 in archive -- possibly corrupt archive', 'corrupt'],
    ['did not find magic string in file header', 'corrupt'],
    ['input file does not appear to be a valid archive', 'corrupt'],
    ['invalid line in large object TOC file "y/blobs_3426.toc": "x"', 'corrupt'],
    ['out of memory', 'corrupt'],
    ['something never heard of', 'restore_failed'],
  ])('as pg_restore says of a damaged archive: %s', (own, reason) => {
    expect(judging(saying(own))).toThrow(code(reason));
  });

  it('could not be done where an extension is not there', () => {
    const missing = entry('0A000', 'CREATE EXTENSION', 'extension "postgis" is not available');
    expect(judging(complaining(missing, entry('42704', 'CREATE TABLE')))).toThrow(code('extension_missing'));
    expect(judging(complaining(missing))).toThrow(/postgis/);
  });

  it.each([
    entry(
      '42704',
      'CREATE TABLE',
      'collation "pg_catalog.de_DE.utf8" for encoding "UTF8" does not exist at character 31',
    ),
    entry('22023', 'CREATE COLLATION', 'could not create locale "de_DE.utf8": No such file or directory'),
  ])('could not be done where a locale is not there: $statement', (missing) => {
    expect(judging(complaining(missing, entry('42P01', 'COPY')))).toThrow(code('locale_missing'));
  });

  it('failed where a collation of its own is not there', () => {
    const lost = entry(
      '42704',
      'CREATE TABLE',
      'collation "public.german" for encoding "UTF8" does not exist',
    );
    expect(judging(complaining(lost))).toThrow(code('restore_failed'));
  });

  it('could not be done where a library is not there', () => {
    const message = 'could not access file "$libdir/postgis-2.5": No such file or directory';
    expect(judging(complaining(entry('58P01', 'CREATE FUNCTION', message)))).toThrow(/postgis-2\.5/);
    expect(judging(complaining(entry('58P01', 'CREATE FUNCTION', message)))).toThrow(
      code('extension_missing'),
    );
  });

  it('could not be done where the tool was killed, and failed where it had met errors before', () => {
    const hungUp = entry('08006', 'COPY', 'unexpected EOF on client connection with an open transaction');
    expect(judging(run({ exitCode: 137, log: [hungUp] }))).toThrow(code('scratch_lost'));
    expect(judging(run({ exitCode: 143 }))).toThrow(code('scratch_lost'));
    const wrong = entry('23505', 'CREATE INDEX', 'could not create unique index');
    expect(judging(run({ exitCode: 137, log: [wrong, hungUp] }))).toThrow(code('restore_failed'));
  });

  it('failed where the server lets nobody in any more', () => {
    expect(judging(run({ after: 'closed' }))).toThrow(code('restore_failed'));
  });

  it('could not be done where the scratch was too small or went away', () => {
    expect(judging(complaining(entry('53100', 'COPY')))).toThrow(code('scratch_disk_full'));
    expect(judging(complaining(entry('53200', 'CREATE INDEX')))).toThrow(code('scratch_out_of_memory'));
    expect(judging(run({ exitCode: 1, after: 'lost' }))).toThrow(code('scratch_lost'));
    const loss = { reason: 'scratch_out_of_memory', detail: '' } as const;
    expect(judging(run({ exitCode: 137, after: 'lost', loss }))).toThrow(code('scratch_out_of_memory'));
  });

  it('has a reason for each harmless error', () => {
    for (const { because } of HARMLESS) expect(because).not.toBe('');
  });
});
