import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { isMusterError } from '@muster/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Artefact } from '../../artefact.js';
import { examine } from './examine.js';
import { identify } from './identify.js';
import { TarReader } from './tar.js';

const signal = new AbortController().signal;
const fixture = (name: string): Promise<Buffer> => readFile(new URL(`fixtures/${name}`, import.meta.url));
const hexOf = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-examine-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const file = async (name: string, bytes: Buffer | string): Promise<Artefact> => {
  const path = join(dir, name);
  await writeFile(path, bytes);
  return { form: 'file', name, path, sizeBytes: Buffer.byteLength(bytes) };
};

/** What identify and examine say together: `whole`, or a reason. */
const judge = async (artefact: Artefact): Promise<string> => {
  try {
    const facts = await identify(artefact, signal);
    const { fault } = await examine(artefact, facts, { onBytes: () => undefined }, signal);
    return fault?.code ?? 'whole';
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

/** A directory dump with the members of a tar dump, whose tables of contents are the same. */
async function directory(): Promise<Artefact> {
  const path = join(dir, 'dump');
  await mkdir(path);
  const writes: Promise<void>[] = [];
  let open: { readonly name: string; readonly pieces: Buffer[] } | undefined;
  const tar = new TarReader({
    begin: ({ name }) => {
      open = { name, pieces: [] };
    },
    data: (bytes) => open?.pieces.push(bytes),
    end: () => {
      if (open && open.name !== 'restore.sql')
        writes.push(writeFile(join(path, open.name), Buffer.concat(open.pieces)));
    },
  });
  tar.write(await fixture('17.tar'));
  await Promise.all(writes);
  return { form: 'directory', name: 'dump', path, sizeBytes: 0 };
}

const tableMember = async (artefact: Artefact): Promise<string> => {
  const facts = await identify(artefact, signal);
  return facts.toc?.entries.find(({ desc }) => desc === 'TABLE DATA')?.filename ?? '';
};

const pathOf = (artefact: Artefact, ...more: readonly string[]): string =>
  'path' in artefact ? join(artefact.path, ...more) : '';

describe.each(['15.custom', '17.custom', '15.tar', '17.tar'])('%s', (name) => {
  it('is whole, and has the digest of its bytes', async () => {
    const bytes = await fixture(name);
    const artefact = await file(name, bytes);
    let told = 0;
    const facts = await identify(artefact, signal);
    const examined = await examine(artefact, facts, { onBytes: (seen) => (told = seen) }, signal);
    expect(examined).toEqual({ sha256: `sha256:${hexOf(bytes)}`, sizeBytes: bytes.length });
    expect(told).toBe(bytes.length);
  });

  it('is truncated wherever it is cut', async () => {
    const bytes = await fixture(name);
    // The second block of zeros at the end of a tar archive says nothing that the first one did not.
    const end = name.endsWith('tar') ? bytes.length - 512 : bytes.length;
    expect(await judge(await file(name, ''))).toBe('empty');
    for (let length = 1; length < end; length += name.endsWith('tar') ? 61 : 13) {
      expect(await judge(await file(name, bytes.subarray(0, length)))).toBe('truncated');
    }
    expect(await judge(await file(name, bytes.subarray(0, end - 1)))).toBe('truncated');
  });

  it('is damaged where it counts fewer entries than it has', async () => {
    const bytes = Buffer.from(await fixture(name));
    const { toc } = await identify(await file(name, bytes), signal);
    const tool = Buffer.from(toc?.toolVersion ?? '');
    const at = bytes.lastIndexOf(tool, 512 + 256) + tool.length + 1;
    expect(bytes.readInt32LE(at)).toBe(toc?.entries.length);
    bytes.writeInt32LE((toc?.entries.length ?? 0) - 1, at);
    expect(await judge(await file(name, bytes))).toBe('corrupt');
  });

  it('names its bytes although it is damaged', async () => {
    const bytes = (await fixture(name)).subarray(0, -1200);
    const whole = await identify(await file('whole', await fixture(name)), signal);
    const artefact = await file(name, bytes);
    const { sha256, fault } = await examine(artefact, whole, { onBytes: () => undefined }, signal);
    expect(sha256).toBe(`sha256:${hexOf(bytes)}`);
    expect(fault?.code).toBe('truncated');
  });
});

it('a custom archive is whole with padding behind it, and damaged with anything else', async () => {
  const bytes = await fixture('17.custom');
  expect(await judge(await file('a', Buffer.concat([bytes, Buffer.alloc(1000)])))).toBe('whole');
  expect(await judge(await file('a', Buffer.concat([bytes, bytes])))).toBe('corrupt');
});

it('a custom archive whose data are not where it says is damaged', async () => {
  const bytes = await fixture('17.custom');
  const { toc } = await identify(await file('a', bytes), signal);
  const moved = Buffer.concat([
    bytes.subarray(0, toc?.sizeBytes),
    Buffer.from([1]),
    bytes.subarray(toc?.sizeBytes),
  ]);
  expect(await judge(await file('b', moved))).toBe('corrupt');
});

describe('a directory', () => {
  it('has the digest of its sorted sha256sum lines', async () => {
    const artefact = await directory();
    const facts = await identify(artefact, signal);
    const { sha256, fault } = await examine(artefact, facts, { onBytes: () => undefined }, signal);
    expect(fault).toBeUndefined();
    const names = [
      ...new Set([
        await tableMember(artefact),
        'toc.dat',
        ...(facts.toc?.entries ?? []).flatMap(({ filename }) => filename ?? []),
      ]),
    ];
    expect(names.length).toBeGreaterThan(1);
    const lines = await Promise.all(
      (await readdir(pathOf(artefact)))
        .sort()
        .map(async (path) => `${hexOf(await readFile(pathOf(artefact, path)))}  ${path}\n`),
    );
    expect(sha256).toBe(`sha256:${hexOf(lines.join(''))}`);
  });

  it('is truncated where data of a table end early', async () => {
    const artefact = await directory();
    const path = pathOf(artefact, await tableMember(artefact));
    const { length } = await readFile(path);
    for (let size = length - 1; size >= 0; size -= 1) {
      await truncate(path, size);
      expect(await judge(artefact)).toBe('truncated');
    }
  });

  it.each([/^\d+\.dat$/, /^blobs/, /^blob_/])('is truncated where %s is not there', async (pattern) => {
    const artefact = await directory();
    const name = (await readdir(pathOf(artefact))).find((found) => pattern.test(found)) ?? '';
    await rm(pathOf(artefact, name));
    expect(await judge(artefact)).toBe('truncated');
  });

  it('is truncated where its list of large objects is empty', async () => {
    const artefact = await directory();
    const name = (await readdir(pathOf(artefact))).find((found) => found.startsWith('blobs')) ?? '';
    await truncate(pathOf(artefact, name), 0);
    expect(await judge(artefact)).toBe('truncated');
  });

  it('may hold files that nothing asks for', async () => {
    const artefact = await directory();
    await writeFile(pathOf(artefact, 'notes.txt'), 'x');
    expect(await judge(artefact)).toBe('whole');
  });

  it('whose toc.dat is a pipe was cut, and is not waited for', async () => {
    const artefact = await directory();
    await rm(pathOf(artefact, 'toc.dat'));
    execFileSync('mkfifo', [pathOf(artefact, 'toc.dat')]);
    expect(await judge(artefact)).toBe('truncated');
  });

  it('without toc.dat was cut, and empty is empty', async () => {
    const artefact = await directory();
    await rm(pathOf(artefact, 'toc.dat'));
    expect(await judge(artefact)).toBe('truncated');
    await mkdir(join(dir, 'none'));
    expect(await judge({ form: 'directory', name: 'none', path: join(dir, 'none'), sizeBytes: 0 })).toBe(
      'empty',
    );
  });

  it('is held against checksums of its files', async () => {
    const artefact = await directory();
    const name = await tableMember(artefact);
    const right = `${hexOf(await readFile(pathOf(artefact, name)))}  ${name}\n`;
    const wrong = `${hexOf('other')}  ${name}\n`;
    await writeFile(pathOf(artefact, 'SHA256SUMS'), right);
    expect(await judge(artefact)).toBe('whole');
    await writeFile(pathOf(artefact, 'SHA256SUMS'), wrong);
    expect(await judge(artefact)).toBe('checksum_mismatch');
    await rm(pathOf(artefact, 'SHA256SUMS'));
    await writeFile(join(dir, 'SHA256SUMS'), `${hexOf('other')}  ./dump/${name}\n`);
    expect(await judge(artefact)).toBe('checksum_mismatch');
    await writeFile(join(dir, 'SHA256SUMS'), `${hexOf('other')}  ./elsewhere/${name}\n`);
    expect(await judge(artefact)).toBe('whole');
  });
});

describe('a checksum beside the backup', () => {
  const cases = async () => {
    const bytes = await fixture('17.custom');
    return { artefact: await file('a.dump', bytes), hex: hexOf(bytes) };
  };

  it.each([
    ['a.dump.sha256', (hex: string) => `${hex}  a.dump\n`],
    ['a.dump.sha256', (hex: string) => `${hex.toUpperCase()} *a.dump\r\n`],
    ['a.dump.sha256', (hex: string) => `${hex}\n`],
    ['a.dump.sha256', (hex: string) => `${hex}  /var/backups/renamed.dump\n`],
    ['a.dump.sha256', (hex: string) => `SHA256 (a.dump) = ${hex}\n`],
    ['a.dump.sha256sum', (hex: string) => `${hex}  /var/backups/a.dump\n`],
    ['SHA256SUMS', (hex: string) => `${hexOf('x')}  b.dump\n${hex}  ./a.dump\n`],
  ])('in %s is honoured', async (name, line) => {
    const { artefact, hex } = await cases();
    await writeFile(join(dir, name), line(hex));
    expect(await judge(artefact)).toBe('whole');
    await writeFile(join(dir, name), line(hexOf('another file')));
    expect(await judge(artefact)).toBe('checksum_mismatch');
  });

  it('that is none is a mismatch', async () => {
    const { artefact } = await cases();
    await writeFile(join(dir, 'a.dump.sha256'), 'not a checksum\n');
    expect(await judge(artefact)).toBe('checksum_mismatch');
  });

  it('of other files says nothing', async () => {
    const { artefact } = await cases();
    await writeFile(join(dir, 'SHA256SUMS'), `${hexOf('x')}  b.dump\n`);
    expect(await judge(artefact)).toBe('whole');
  });
});

it('of a few bytes with sixteen gigabytes inside stops when its time is over', async () => {
  const head =
    '--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.10\n-- Dumped by pg_dump version 15.10\n\n';
  const blank = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024, '\n'));
  const frames = [zstdCompressSync(Buffer.from(head)), ...Array.from({ length: 256 }, () => blank)];
  const artefact = await file('bomb.sql.zst', Buffer.concat(frames));
  const facts = await identify(artefact, signal);
  const examined = examine(artefact, facts, { onBytes: () => undefined }, AbortSignal.timeout(300));
  await expect(examined).rejects.toMatchObject({ code: 'cancelled' });
});

describe('a backup that changes while it is read', () => {
  const examineWhile = async (change: (path: string) => void): Promise<string> => {
    const artefact = await file('a.dump', await fixture('17.custom'));
    const facts = await identify(artefact, signal);
    // The times of a file are told to the nanosecond, but kept by the tick of a clock.
    await utimes(pathOf(artefact), 1, 1);
    try {
      await examine(artefact, facts, { onBytes: () => change(pathOf(artefact)) }, signal);
      return 'whole';
    } catch (error) {
      return isMusterError(error) ? error.code : String(error);
    }
  };

  it.each([
    ['written to', (path: string) => writeFileSync(path, 'more', { flag: 'a' })],
    ['overwritten in place', (path: string) => writeFileSync(path, 'PGDMQ', { flag: 'r+' })],
    [
      'replaced by its equal',
      (path: string) => {
        cpSync(path, `${path}.new`, { preserveTimestamps: true });
        renameSync(`${path}.new`, path);
      },
    ],
  ])('%s', async (_, change) => {
    expect(await examineWhile(change)).toBe('backup_changed');
  });

  it('or since it was found', async () => {
    const artefact = await file('a.dump', await fixture('17.custom'));
    expect(await judge({ ...artefact, sizeBytes: 17 } as Artefact)).toBe('backup_changed');
  });
});

it('a backup that is gone cannot be read', async () => {
  const artefact = await file('a.dump', await fixture('17.custom'));
  await rm(pathOf(artefact));
  expect(await judge(artefact)).toBe('backup_unreadable');
});

it('is cancelled by its signal', async () => {
  const artefact = await file('a.dump', await fixture('17.custom'));
  const facts = await identify(artefact, signal);
  const cancelled = AbortSignal.abort();
  await expect(examine(artefact, facts, { onBytes: () => undefined }, cancelled)).rejects.toMatchObject({
    code: 'cancelled',
  });
  await expect(identify(artefact, cancelled)).rejects.toMatchObject({ code: 'cancelled' });
});
