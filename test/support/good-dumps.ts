import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { SourceKind } from '@muster/core';
import {
  archiveOf,
  documentOf,
  someDocuments,
  writeDirectory,
} from '../../packages/engines/src/mongodb/format/dump-writer.fixture.ts';
import { docker } from './docker-cli.ts';
import { type DumpFormat, dumpServer, fillSample } from './dumps.ts';
import { imageWith } from './image-with.ts';
import { IMAGES } from './images.ts';

/** What tests that spoil dumps need to know of those of a kind of source. */
interface DumpKind {
  /** What a dump of this kind may be called. */
  readonly name: string;
  /** Lines of the source by which these dumps get a server that there is. */
  readonly source: readonly string[];
  readonly forms: readonly string[];
  /** Forms in the middle of which no byte changes unseen, without a checksum beside the dump. */
  readonly guarded: readonly string[];
  /** A form that does not fit into so much disk. */
  readonly tooLarge: { readonly form: string; readonly disk: string };
  /** What the other kind's tool writes. */
  readonly foreign: Buffer;
  /** Makes the dumps. The caller closes them. */
  make(): Promise<GoodDumps>;
}

/** A good dump of each form, for tests that spoil copies of them. */
export interface GoodDumps {
  put(form: string, path: string): Promise<void>;
  /** An image whose server is older than the dump of this form. */
  older(): Promise<{ readonly image: string; readonly form: string }>;
  close(): Promise<void>;
}

const SHOP = [
  { database: 'shop', name: 'people', documents: someDocuments(2000) },
  { database: 'shop', name: 'orders', documents: someDocuments(50, 'o') },
  { database: 'shop', name: 'none' },
];
const FORMATS: readonly DumpFormat[] = ['custom', 'tar', 'directory', 'plain'];

export const DUMP_KINDS: Readonly<Record<SourceKind, DumpKind>> = {
  postgres: {
    name: 'shop.dump',
    source: [],
    forms: FORMATS,
    guarded: ['big'],
    tooLarge: { form: 'big', disk: '120MiB' },
    foreign: archiveOf(SHOP),
    make: postgresDumps,
  },
  mongodb: {
    name: 'shop.archive',
    source: [`image: ${IMAGES.mongo}`],
    forms: ['archive', 'archive+gzip', 'directory', 'directory+gzip'],
    guarded: ['archive', 'archive+gzip'],
    tooLarge: { form: 'big', disk: '96MiB' },
    foreign: Buffer.from('PGDMP\x01\x0e\0\x04\x08\x01 and what follows'),
    make: mongoDumps,
  },
};

async function postgresDumps(): Promise<GoodDumps> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-good-'));
  const server = await dumpServer(15);
  try {
    await fillSample(server, 'sample');
    for (const form of FORMATS) await server.dump('sample', form, join(folder, form));
    await server.sql('postgres', 'CREATE DATABASE big');
    const rows = "SELECT n, repeat('x', 400) AS filler FROM generate_series(1, 400000) AS n";
    await server.sql('big', `CREATE TABLE t AS ${rows}`);
    await server.dump('big', 'custom', join(folder, 'big'));
  } finally {
    await server.close();
  }
  return {
    put: (form, path) => cp(join(folder, form), path, { recursive: true }),
    older: async () => {
      const newer = await dumpServer(17);
      try {
        await newer.sql('postgres', 'CREATE DATABASE fresh');
        await newer.dump('fresh', 'custom', join(folder, 'fresh'));
      } finally {
        await newer.close();
      }
      return { image: IMAGES[15], form: 'fresh' };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function mongoDumps(): Promise<GoodDumps> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-good-'));
  const noise = Array.from({ length: 1600 }, (_, _id) => documentOf({ _id, noise: randomBytes(50_000) }));
  await writeFile(join(folder, 'archive'), archiveOf(SHOP));
  await writeFile(join(folder, 'archive+gzip'), gzipSync(archiveOf(SHOP)));
  await writeFile(join(folder, 'big'), archiveOf([{ database: 'shop', name: 'noise', documents: noise }]));
  await writeDirectory(join(folder, 'directory'), SHOP);
  await writeDirectory(join(folder, 'directory+gzip'), SHOP, true);
  const image = `${IMAGES.mongo}-older`;
  let made = false;
  return {
    put: (form, path) => cp(join(folder, form), path, { recursive: true }),
    older: async () => {
      // The version of a stand-in bounds nothing; that of a MongoDB does.
      await imageWith(IMAGES.mongo, image, { '/usr/bin/mongod': "#!/bin/sh\necho 'db version v6.0.5'\n" });
      made = true;
      return { image, form: 'archive' };
    },
    close: async () => {
      if (made) await docker('image', 'rm', image);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
