import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { type EngineBench, engineBench, type Place } from '../support/engine-bench.ts';
import { describeIn, majorOf } from '../support/needs.ts';

const PLACES: readonly Place[] = ['docker 17', 'bubblewrap 15'];
/** Large enough that damage in the middle lies in data, and that pg_restore uses several processes. */
const ROWS = `CREATE TABLE a AS SELECT g AS i, md5(g::text) || md5((g + 1)::text) AS s FROM generate_series(1, 40000) g;
  CREATE TABLE b AS SELECT * FROM a; ALTER TABLE a ADD PRIMARY KEY (i); CREATE INDEX ON b (s)`;

describeIn(PLACES, 'a damaged dump in %s', (place) => {
  const major = majorOf(place);
  let bench: EngineBench;
  let server: DumpServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-damaged-'));
    server = await dumpServer(major);
    await server.sql('postgres', 'CREATE DATABASE whole');
    await server.sql('whole', ROWS);
    for (const format of ['custom', 'directory', 'plain'] as const) {
      await server.dump('whole', format, join(folder, format));
    }
    bench = await engineBench(place);
  });
  afterAll(async () => {
    await bench?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const copy = async (form: string): Promise<string> => {
    const path = join(folder, `damaged-${form}`);
    await rm(path, { recursive: true, force: true });
    await cp(join(folder, form), path, { recursive: true });
    return path;
  };
  const cut = async (path: string, part: number) =>
    truncate(path, Math.floor((await stat(path)).size * part));
  const flip = async (path: string, part: number) => {
    const bytes = await readFile(path);
    const at = Math.floor(bytes.length * part);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
    await writeFile(path, bytes);
  };
  const member = async (path: string): Promise<string> => {
    const name = (await readdir(path)).find((one) => one.endsWith('.dat.gz'));
    return join(path, name ?? '');
  };
  const restoring = (path: string, jobs: number) =>
    bench.restored(path, async () => 'restored', { restore: { jobs } });
  const code = (reason: string) => expect.objectContaining({ code: reason });

  describe.each([1, 2])('with %i processes', (jobs) => {
    it.each([0.3, 0.6, 0.99])('custom, cut at %f, is truncated', async (part) => {
      const path = await copy('custom');
      await cut(path, part);
      await expect(restoring(path, jobs)).rejects.toEqual(code('truncated'));
    });

    it.each([0.3, 0.6])('custom, a byte flipped at %f, is corrupt', async (part) => {
      const path = await copy('custom');
      await flip(path, part);
      await expect(restoring(path, jobs)).rejects.toEqual(code('corrupt'));
    });

    it('directory, a member cut, is truncated', async () => {
      const path = await copy('directory');
      await cut(await member(path), 0.5);
      await expect(restoring(path, jobs)).rejects.toEqual(code('truncated'));
    });

    it('directory, a member gone, is truncated', async () => {
      const path = await copy('directory');
      await rm(await member(path));
      await expect(restoring(path, jobs)).rejects.toEqual(code('truncated'));
    });

    it('directory, a byte of a member flipped, is corrupt', async () => {
      const path = await copy('directory');
      await flip(await member(path), 0.5);
      await expect(restoring(path, jobs)).rejects.toEqual(code('corrupt'));
    });
  });

  it.each([0.3, 0.9])('plain, cut at %f, is truncated', async (part) => {
    const path = await copy('plain');
    await cut(path, part);
    await expect(restoring(path, 1)).rejects.toEqual(code('truncated'));
  });

  it('plain, a row that does not fit its table, has failed with the code and not the row', async () => {
    const path = await copy('plain');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('\n20000\t', '\nsecret20000\t'));
    const told = expect.objectContaining({
      code: 'restore_failed',
      message: expect.stringMatching(/^(?!.*secret20000).*22P02 COPY/),
    });
    await expect(restoring(path, 1)).rejects.toEqual(told);
  });

  it('plain, a row that stands twice, has failed', async () => {
    const path = await copy('plain');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/\n(7\t.*\n)/, '\n$1$1'));
    await expect(restoring(path, 1)).rejects.toThrow(/23505 ALTER TABLE/);
  });
});
