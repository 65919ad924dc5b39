import { readFileSync } from 'node:fs';
import { isMusterError } from '@muster/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadReader } from '../../bytes/head-reader.js';
import { databasePropertiesOf, extensionsOf, ownersOf, rolesOf } from './roles.js';
import { readToc, type Toc } from './toc.js';

const fixture = (name: string): Buffer => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const archives = { 15: fixture('15.custom'), 17: fixture('17.custom') } as const;

async function* inPieces(bytes: Buffer, size = bytes.length): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (bytes: Buffer, size?: number): Promise<Toc> => readToc(new HeadReader(inPieces(bytes, size)));

const codeOf = async (bytes: Buffer): Promise<string> => {
  try {
    await read(bytes);
    return 'read';
  } catch (error) {
    return isMusterError(error) ? error.code : String(error);
  }
};

describe.each([15, 17] as const)('the table of contents of an archive of pg_dump %i', (major) => {
  const bytes = archives[major];

  it('tells what was dumped, by what, when and how', async () => {
    const toc = await read(bytes);
    expect(toc).toMatchObject({
      archiveVersion: major === 15 ? '1.14.0' : '1.16.0',
      format: 'custom',
      compression: 'gzip',
      database: 'tiny shop',
      intSize: 4,
      offSize: 8,
    });
    expect(toc.serverVersion).toMatch(new RegExp(`^${major}\\.`));
    expect(toc.toolVersion).toMatch(new RegExp(`^${major}\\.`));
    expect(toc.createdAt?.getUTCFullYear()).toBeGreaterThan(2025);
  });

  it.each(['', 'template0', 'tiny\0shop'])('is damaged where it names the database %j', async (name) => {
    const length = Buffer.alloc(5);
    length.writeInt32LE(name.length, 1);
    const at = bytes.indexOf('tiny shop');
    const changed = [bytes.subarray(0, at - 5), length, Buffer.from(name), bytes.subarray(at + 9)];
    expect(await codeOf(Buffer.concat(changed))).toBe('corrupt');
  });

  it('tells its entries', async () => {
    const { entries, sizeBytes } = await read(bytes);
    const table = entries.find(({ desc }) => desc === 'TABLE');
    expect(table).toMatchObject({
      tag: 't',
      namespace: 'public',
      owner: 'keeper',
      section: 'pre-data',
      hadDumper: false,
    });
    const data = entries.find(({ desc }) => desc === 'TABLE DATA');
    expect(data).toMatchObject({
      section: 'data',
      hadDumper: true,
      copyStmt: 'COPY public.t (id, name) FROM stdin;\n',
      data: { state: 'set', offset: sizeBytes },
      dependencies: [table?.dumpId],
    });
  });

  it('is the same however its bytes come, and is read no further than it goes', async () => {
    const toc = await read(bytes);
    expect(await read(bytes, 1)).toEqual(toc);
    expect(await read(bytes.subarray(0, toc.sizeBytes))).toEqual(toc);
  });

  it('is truncated wherever it is cut', async () => {
    const { sizeBytes } = await read(bytes);
    for (let length = 5; length < sizeBytes; length += 1) {
      expect(await codeOf(bytes.subarray(0, length))).toBe('truncated');
    }
  });

  it('names roles, extensions and properties of the database', async () => {
    const toc = await read(bytes);
    expect(rolesOf(toc)).toEqual(expect.arrayContaining(['postgres', 'keeper', 'Read "Only"']));
    expect(ownersOf(toc)).not.toContain('Read "Only"');
    expect(extensionsOf(toc)).toEqual([]);
    expect(databasePropertiesOf(toc, 'other "one"')).toEqual([
      `ALTER DATABASE "other ""one""" SET search_path TO 'public';`,
    ]);
  });
});

it('is read in the encoding that it says it is in', async () => {
  const bytes = archives[17]
    .toString('latin1')
    .replace("'UTF8'", "'KOI8'")
    .replace(/keeper/g, 'k\xe9\xe8per');
  expect(rolesOf(await read(Buffer.from(bytes, 'latin1')))).toContain('kИХper');
});

describe('a damaged table of contents', () => {
  const change = (at: number, ...values: readonly number[]): Buffer => {
    const bytes = Buffer.from(archives[17]);
    values.forEach((value, i) => {
      bytes[at + i] = value;
    });
    return bytes;
  };

  it.each([
    ['an archive version to come', change(6, 17), 'unsupported_dump'],
    ['an ancient archive version', change(6, 10), 'unsupported_dump'],
    ['integers of 200 bytes', change(8, 200), 'corrupt'],
    ['an unknown format', change(10, 2), 'corrupt'],
    ['an unknown compression', change(11, 9), 'corrupt'],
    ['a name of 2 GiB', change(47, 0, 0xff, 0xff, 0xff, 0x7f), 'corrupt'],
  ])('%s is refused', async (_, bytes, code) => {
    expect(await codeOf(bytes)).toBe(code);
  });

  it('is refused without reading more than there is, however it is changed', async () => {
    const mutation = fc.record({
      at: fc.nat(5000),
      value: fc.integer({ min: 0, max: 255 }),
      cut: fc.option(fc.nat(5000)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(15, 17),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        async (major, changes) => {
          const source = archives[major as 15 | 17];
          const bytes = Buffer.from(source);
          for (const { at, value } of changes) bytes[at % bytes.length] = value;
          const cut = changes[0]?.cut;
          expect(await codeOf(cut == null ? bytes : bytes.subarray(0, cut))).toMatch(
            /^(read|truncated|corrupt|unsupported_dump|not_a_dump)$/,
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('of random bytes is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (noise) => {
        const bytes = Buffer.concat([archives[17].subarray(0, 12), Buffer.from(noise)]);
        expect(await codeOf(bytes)).toMatch(/^(truncated|corrupt)$/);
      }),
      { numRuns: 1000 },
    );
  });
});
