import { execFile } from 'node:child_process';
import { copyFile, cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isMusterError } from '@muster/core';
import { type Artefact, postgresEngine } from '@muster/engines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer, fillSample } from '../support/dumps.ts';
import { canRunIn } from '../support/needs.ts';

const run = promisify(execFile);
const signal = new AbortController().signal;
const WRAPPERS = { none: undefined, gzip: ['gzip', '-k'], zstd: ['zstd', '-q', '-k'] } as const;
const SUFFIX = { none: '', gzip: '.gz', zstd: '.zst' } as const;

const artefactAt = async (path: string): Promise<Artefact> => {
  const facts = await stat(path);
  return { form: facts.isDirectory() ? 'directory' : 'file', name: path, path, sizeBytes: facts.size };
};

/** What identify and examine say together: `whole`, or a reason. */
const judge = async (path: string): Promise<string> => {
  const artefact = await artefactAt(path);
  try {
    const facts = await postgresEngine.identify(artefact, signal);
    return (
      (await postgresEngine.examine(artefact, facts, { onBytes: () => undefined }, signal)).fault?.code ??
      'whole'
    );
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

/** Lengths to cut a file of this size to: its beginning, its end, and all between in steps. */
const cuts = (size: number): readonly number[] => [
  ...Array.from({ length: 12 }, (_, i) => i + 1),
  ...Array.from({ length: 24 }, (_, i) => Math.floor((size * (i + 1)) / 25)),
  ...[600, 40, 9, 5, 2, 1].map((left) => size - left),
];

describe.runIf(canRunIn('docker')).each([15, 17] as const)('what pg_dump %i writes', (major) => {
  let server: DumpServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-formats-'));
    server = await dumpServer(major);
    await fillSample(server, 'sample');
    for (const format of ['custom', 'tar', 'directory', 'plain'] as const) {
      await server.dump('sample', format, join(folder, format));
      for (const command of [WRAPPERS.gzip, WRAPPERS.zstd]) {
        if (format !== 'directory') await run(command[0], [...command.slice(1), join(folder, format)]);
      }
    }
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const working = async (name: string): Promise<string> => {
    const path = join(folder, 'working');
    await rm(path, { recursive: true, force: true });
    await cp(join(folder, name), path, { recursive: true });
    return path;
  };

  describe.each(['custom', 'tar', 'plain'] as const)('%s', (format) => {
    describe.each(['none', 'gzip', 'zstd'] as const)('wrapped in %s', (wrapper) => {
      const name = `${format}${SUFFIX[wrapper]}`;

      it('is identified by its content, and whole', async () => {
        const facts = await postgresEngine.identify(await artefactAt(await working(name)), signal);
        expect(facts).toMatchObject({ format: wrapper === 'none' ? format : `${format}+${wrapper}`, major });
        expect(facts.databases).toEqual(format === 'plain' ? [] : ['sample']);
        expect(await judge(await working(name))).toBe('whole');
      });

      it('is truncated wherever it is cut', async () => {
        const { size } = await stat(join(folder, name));
        // What follows the last data of a tar, and the last line of a plain dump, says nothing more.
        const end = wrapper === 'none' && format !== 'custom' ? size - 1024 : size;
        const seen: Record<string, string> = {};
        for (const length of cuts(end).filter((one) => one > 4)) {
          const path = await working(name);
          await truncate(path, length);
          seen[`${length}`] = await judge(path);
        }
        expect(Object.entries(seen).filter(([, reason]) => reason !== 'truncated')).toEqual([]);
      });
    });

    it.each([
      ['gzip', 6],
      ['zstd', 2],
    ] as const)('wrapped in %s is found damaged where a byte is flipped', async (wrapper, checksum) => {
      const whole = await readFile(join(folder, `${format}${SUFFIX[wrapper]}`));
      const flipped = async (at: number): Promise<string> => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
        const path = await working(`${format}${SUFFIX[wrapper]}`);
        await writeFile(path, bytes);
        return judge(path);
      };
      expect(await flipped(whole.length - checksum)).toBe('corrupt');
      for (const part of [0.2, 0.4, 0.6, 0.8])
        expect(await flipped(Math.floor(whole.length * part))).not.toBe('whole');
    });
  });

  const compressions = major === 15 ? ['0', '6'] : ['none', 'gzip', 'lz4', 'zstd'];
  describe.each(compressions)('a directory with compression %s', (compression) => {
    let path: string;
    beforeAll(async () => {
      path = join(folder, `directory-${compression}`);
      await server.dump('sample', 'directory', path, ['-Z', compression]);
    });

    const members = async (): Promise<readonly string[]> =>
      (await readdir(path)).filter((name) => name !== 'toc.dat');

    it('is identified, and whole', async () => {
      const facts = await postgresEngine.identify(await artefactAt(path), signal);
      expect(facts).toMatchObject({ format: 'directory', major, databases: ['sample'] });
      expect(await judge(path)).toBe('whole');
    });

    it('is truncated where a member is not there, or ends early', async () => {
      for (const name of await members()) {
        const copy = join(folder, 'copy');
        await rm(copy, { recursive: true, force: true });
        await cp(path, copy, { recursive: true });
        const member = join(copy, name);
        const { size } = await stat(member);
        // The bytes of an uncompressed large object have no end of their own.
        const endless = /^blob_\d+\.dat$/.test(name);
        for (const length of endless ? [] : new Set([0, 1, Math.floor(size / 2), size - 1])) {
          await copyFile(join(path, name), member);
          await truncate(member, length);
          expect([name, length, await judge(copy)]).toEqual([name, length, 'truncated']);
        }
        await rm(member);
        expect([name, await judge(copy)]).toEqual([name, 'truncated']);
      }
    });
  });

  it('packed with tar as a directory is healthy and not read', async () => {
    const path = join(folder, 'packed.tar');
    for (const args of [
      ['-C', folder, 'directory'],
      ['-C', join(folder, 'directory'), '.'],
    ]) {
      await run('tar', ['-cf', path, ...args]);
      expect(await judge(path)).toBe('unsupported_dump');
    }
  });

  it('of a whole cluster is healthy and not read', async () => {
    const path = join(folder, 'all.sql');
    await writeFile(path, await server.tool('pg_dumpall', []));
    expect(await judge(path)).toBe('unsupported_dump');
  });

  it('in another compression is healthy and not read', async () => {
    const path = join(folder, 'plain.xz');
    await writeFile(path, Buffer.from('fd377a585a000004e6d6b446', 'hex'));
    expect(await judge(path)).toBe('unsupported_dump');
  });
});
