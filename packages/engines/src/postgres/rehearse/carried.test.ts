import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCarried } from './carried.js';

describe('a repository that comes out of a scratch', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'muster-carried-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const carried = (text: string, pieces: number, most = 1_000_000) => {
    const bytes = Buffer.from(text);
    const all = Array.from({ length: Math.ceil(bytes.length / pieces) }, (_, n) =>
      bytes.subarray(n * pieces, (n + 1) * pieces),
    );
    return readCarried(Readable.from(all), directory, most);
  };

  it.each([1, 7, 1000])('is written as it came, in pieces of %i bytes', async (pieces) => {
    await carried(
      '5 ./archive/main/archive.info\nab\ncd0 ./empty\n2 ./backup/main/20_F/bundle/1\n\n\n',
      pieces,
    );
    expect(await readFile(join(directory, 'archive/main/archive.info'), 'utf8')).toBe('ab\ncd');
    expect(await readFile(join(directory, 'empty'), 'utf8')).toBe('');
    expect(await readFile(join(directory, 'backup/main/20_F/bundle/1'), 'utf8')).toBe('\n\n');
    expect((await stat(join(directory, 'empty'))).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['a name above it', '1 ./../out\nx'],
    ['a name from the root', '1 /etc/passwd\nx'],
    ['a name that climbs', '1 ./a/../../out\nx'],
    ['a hidden name', '1 ./.profile\nx'],
    ['a name with what a terminal obeys', '1 ./a\u001b[2J\nx'],
    ['a size that is none', '-1 ./a\nx'],
    ['fewer bytes than it says', '9 ./a\nx'],
    ['a line that does not end', `1 ./${'a'.repeat(5000)}`],
    ['a line longer than it may be, whole in one piece', `0 ./${`${'a'.repeat(110)}/`.repeat(10)}a\n`],
    ['a path deeper than any of a repository', `0 ./${'a/'.repeat(12)}a\n`],
    ['the same file twice', '1 ./a\nx1 ./a\ny'],
  ])('with %s is refused', async (_, text) => {
    await expect(carried(text, 1000)).rejects.toMatchObject({ code: 'take_failed' });
    expect((await readdir(directory)).filter((name) => name !== 'a')).toEqual([]);
  });

  it('is no larger than it may be', async () => {
    await carried('8 ./a\n12345678', 1000, 4096 + 8);
    await expect(carried('8 ./b\n12345678', 1000, 4096 + 7)).rejects.toMatchObject({
      code: 'scratch_disk_full',
    });
  });

  it('has no more files and directories than it may be large, where they hold nothing', async () => {
    const heads = (count: number) =>
      Array.from({ length: count }, (_, n) => `0 ./r${n}/${'a/'.repeat(9)}f\n`).join('');
    await carried(heads(2), 1000, 22 * 4096);
    await rm(directory, { recursive: true });
    await expect(carried(heads(3), 1000, 22 * 4096)).rejects.toMatchObject({ code: 'scratch_disk_full' });
    expect(await readdir(directory)).toEqual(['r0', 'r1']);
  });
});
