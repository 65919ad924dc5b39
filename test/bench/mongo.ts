import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mongodbEngine, type RestoreReport } from '@muster/engines';
import { BSON, Int32 } from 'mongodb';
import { artefactOf } from '../support/engine-bench.ts';
import { findProgram } from '../support/find-program.ts';
import { type MongoPlace, mongoBench } from '../support/mongo-bench.ts';
import { never } from '../support/server-bench.ts';
import type { Bench } from './measured.ts';

type Tool = NonNullable<RestoreReport['tool']>;

const COLLECTIONS = 4;
const SMALL_BYTES = 50_000_000;
const LARGE_BYTES = 200_000_000;
const SAMPLE_MS = 50;

/**
 * Restores of a generated dump by Muster's own reader, and by the machine's mongorestore where there is one; and what
 * this process takes at most of memory for a dump and for one four times as large. The server is the stand-in.
 */
export async function benchMongo(folder: string): Promise<Bench> {
  const small = await makeDump(join(folder, 'small'), SMALL_BYTES);
  const large = await makeDump(join(folder, 'large'), LARGE_BYTES);
  const tool = findProgram('mongorestore') !== undefined;
  // Both ways in one place, so that only they differ.
  const place: MongoPlace = tool ? 'bubblewrap mongo' : 'docker mongo';
  const first = await restore(place, 'muster-reader', small);
  const reader = await restore(place, 'muster-reader', large);
  const mongorestore = tool ? await restore(place, 'mongorestore', large) : undefined;
  return {
    figures: {
      'muster-reader, MB/s': reader.megabytesPerSecond,
      ...(mongorestore && { 'mongorestore, MB/s': mongorestore.megabytesPerSecond }),
      'peak memory of a dump of 50 MB, MB': first.peakMegabytes,
      'peak memory of a dump of 200 MB, MB': reader.peakMegabytes,
    },
    ratios: {
      ...(mongorestore && {
        'muster-reader / mongorestore': reader.megabytesPerSecond / mongorestore.megabytesPerSecond,
      }),
      'peak memory, 200 MB / 50 MB': reader.peakMegabytes / first.peakMegabytes,
    },
  };
}

async function makeDump(folder: string, bytes: number): Promise<string> {
  const database = join(folder, 'bench');
  await mkdir(database, { recursive: true });
  let id = 0;
  for (let index = 0; index < COLLECTIONS; index += 1) {
    const name = `c${index}`;
    const metadata = {
      indexes: [{ v: 2, key: { _id: 1 }, name: '_id_' }],
      collectionName: name,
      type: 'collection',
    };
    await writeFile(join(database, `${name}.metadata.json`), JSON.stringify(metadata));
    const out = createWriteStream(join(database, `${name}.bson`));
    for (let written = 0; written < bytes / COLLECTIONS; ) {
      const batch = Buffer.concat(Array.from({ length: 1000 }, () => documentOf(id++)));
      written += batch.length;
      if (!out.write(batch)) await once(out, 'drain');
    }
    out.end();
    await once(out, 'finish');
  }
  return folder;
}

const documentOf = (id: number): Uint8Array =>
  BSON.serialize({
    _id: new Int32(id),
    name: `user ${id}`,
    amount: id / 100,
    at: new Date(id * 1000),
    tags: ['some', 'words'],
    text: 'as long as what people write into a form '.repeat(6),
  });

async function restore(
  place: MongoPlace,
  tool: Tool,
  path: string,
): Promise<{ readonly megabytesPerSecond: number; readonly peakMegabytes: number }> {
  const bench = await mongoBench(place, tool);
  try {
    const artefact = { ...(await artefactOf(path)), sizeBytes: await sizeOf(path) };
    const facts = await mongodbEngine.identify(artefact, never());
    return await bench.within(
      facts,
      async ({ server, onOutput }) => {
        let peak = 0;
        const sample = setInterval(() => {
          peak = Math.max(peak, process.memoryUsage().rss);
        }, SAMPLE_MS);
        const from = performance.now();
        try {
          await server.restore(
            artefact,
            { facts, fallbackDatabase: 'bench', jobs: 2, onProgress: () => undefined, onOutput },
            never(),
          );
        } finally {
          clearInterval(sample);
        }
        const seconds = (performance.now() - from) / 1000;
        return { megabytesPerSecond: artefact.sizeBytes / 1e6 / seconds, peakMegabytes: peak / 1e6 };
      },
      { artefact, limits: { memoryBytes: 2 * 1024 ** 3, diskBytes: 4 * 1024 ** 3 } },
    );
  } finally {
    await bench.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  const names = Array.from({ length: COLLECTIONS }, (_, index) => join(path, 'bench', `c${index}.bson`));
  const sizes = await Promise.all(names.map(async (name) => (await stat(name)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
