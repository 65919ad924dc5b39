import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  followWal,
  listWal,
  otherThanNamed,
  readArchivedSegment,
  readSegment,
  type Segment,
  type WalNeed,
} from './wal-archive.js';

const MIB = 1024 * 1024;

const segments = (...names: readonly string[]): readonly Segment[] =>
  names.flatMap((name) => readSegment(name) ?? []);

const on = (timeline: number, ...numbers: readonly (readonly [log: number, number: number])[]) =>
  segments(
    ...numbers.map((pair) =>
      [timeline, ...pair].map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join(''),
    ),
  );

const need = (over: Partial<WalNeed> = {}): WalNeed => ({
  start: '000000010000000000000002',
  stop: '000000010000000000000003',
  until: 'end',
  segmentBytes: 16 * MIB,
  ...over,
});

describe('the WAL archive', () => {
  it('is followed from the start of the set to its end', () => {
    expect(followWal(on(1, [0, 1], [0, 2], [0, 3], [0, 4]), need())).toEqual({ last: 4, count: 3 });
  });

  it('names the first segment that is missing', () => {
    const found = followWal(on(1, [0, 2], [0, 3], [0, 5]), need());
    expect(found.missing).toBe('000000010000000000000004');
  });

  it('of a set alone ends with it', () => {
    expect(followWal(on(1, [0, 2], [0, 3], [0, 9]), need({ until: 'stop' }))).toEqual({ last: 3, count: 2 });
    expect(followWal(on(1, [0, 2]), need({ until: 'stop' })).missing).toBe('000000010000000000000003');
  });

  it('goes on in the next log where the size of a segment says so', () => {
    const start = { start: '0000000100000000000000FF', stop: '0000000100000000000000FF' };
    expect(followWal(on(1, [0, 255], [1, 0]), need(start))).toEqual({ last: 256, count: 2 });
    const wide = need({
      start: '00000001000000000000003F',
      stop: '00000001000000000000003F',
      segmentBytes: 64 * MIB,
    });
    expect(followWal(on(1, [0, 63], [1, 0]), wide)).toEqual({ last: 64, count: 2 });
  });

  it('goes on with the timeline that branched off', () => {
    const archived = [...on(1, [0, 2], [0, 3], [0, 4], [0, 7]), ...on(2, [0, 4], [0, 5])];
    expect(followWal(archived, need())).toEqual({ last: 5, count: 4 });
  });

  const SHA1 = '5fdf55aafe0a5c37abc0f1e5bf657adc5a8c65dc';

  it.each(['', '.gz', '.lz4', '.zst', '.bz2'])('has a segment with its checksum and %j', (suffix) => {
    expect(readArchivedSegment(`000000010000000000000002-${SHA1}${suffix}`)).toEqual({
      name: '000000010000000000000002',
      timeline: 1,
      log: 0,
      number: 2,
    });
  });

  it.each([
    '000000010000000000000002',
    `000000010000000000000002-${SHA1}.pgbackrest.tmp`,
    `000000010000000000000002-${SHA1}.gz.pgbackrest.tmp`,
    `000000010000000000000002.partial-${SHA1}.gz`,
    '000000010000000000000002.partial',
    '000000010000000000000002.00000028.backup',
    '00000002.history',
  ])('counts %s as no segment', (name) => {
    expect(readArchivedSegment(name)).toBeUndefined();
  });

  it('names what was fetched and has not the SHA-1 in its name', () => {
    const [name, sha1, other] = ['000000010000000000000006', 'a'.repeat(40), 'b'.repeat(40)];
    const archived = segments(name).map((one) => ({ ...one, path: `/archive/17-1/0/${name}-${sha1}.gz` }));
    expect(otherThanNamed(archived, [{ name, sha1 }])).toBeUndefined();
    expect(otherThanNamed(archived, [{ name, sha1: other }])).toBe(name);
  });
});

describe('the names in a WAL archive', () => {
  let repository: string;
  beforeAll(async () => {
    repository = await mkdtemp(join(tmpdir(), 'muster-wal-'));
    const log = join(repository, 'archive', 'main', '17-1', '0000000100000000');
    await mkdir(log, { recursive: true });
    for (const name of ['000000010000000000000002', '000000010000000000000003'])
      await writeFile(join(log, `${name}-${'0'.repeat(40)}.gz`), '');
    await writeFile(join(log, `000000010000000000000004-${'0'.repeat(40)}.pgbackrest.tmp`), '');
  });
  afterAll(() => rm(repository, { recursive: true }));

  it('are those of its segments', async () => {
    const names = (await listWal(repository, 'main', '17-1')).map(({ name }) => name);
    expect(names.toSorted()).toEqual(['000000010000000000000002', '000000010000000000000003']);
    expect(await listWal(repository, 'main', '16-1')).toEqual([]);
  });

  it('are looked at up to a bound', async () => {
    expect(await listWal(repository, 'main', '17-1', 4)).toHaveLength(2);
    await expect(listWal(repository, 'main', '17-1', 3)).rejects.toMatchObject({
      code: 'backup_unreadable',
      message: expect.stringContaining('over 3 files'),
    });
  });
});
