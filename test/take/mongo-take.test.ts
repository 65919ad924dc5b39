import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDirectoryRepository, createDirectoryTakePlace } from '@muster/backups';
import { RECORD_SUFFIX } from '@muster/core';
import { engineOf } from '@muster/engines';
import { livenessOf } from '@muster/scratch';
import { expect, it } from 'vitest';
import { startMongo } from '../support/mongo-server.ts';
import { canRunMongo } from '../support/needs.ts';
import { never } from '../support/server-bench.ts';
import { take, takenSource } from '../support/taking.ts';

it.runIf(canRunMongo('docker'))(
  'a database of MongoDB is taken as a compressed archive, which lists and is whole',
  async () => {
    const server = await startMongo();
    const directory = await mkdtemp(join(tmpdir(), 'muster-take-'));
    try {
      const documents = Array.from({ length: 5_000 }, (_, n) => ({ n, text: 'abc'.repeat(50) }));
      await server.client.db('shop').collection('item').insertMany(documents);
      const taken = await take({
        source: takenSource('mongodb', 'take: {}'),
        place: createDirectoryTakePlace({ directory, liveness: livenessOf }),
        secrets: { URI: server.uri('shop') },
        now: () => new Date('2026-11-21T03:00:00Z'),
      });
      expect(taken.backupId).toBe('shop_20261121T030000Z.archive.gz');
      expect((await readdir(directory)).toSorted()).toEqual([
        taken.backupId,
        `${taken.backupId}${RECORD_SUFFIX}`,
      ]);
      const engine = engineOf('mongodb');
      const listing = { directory, match: undefined, engine, pause: async () => {} };
      const [backup] = await createDirectoryRepository(listing).list(never());
      if (backup?.artefact.form !== 'file' || backup.facts === undefined) throw new Error('it is a file');
      expect(backup.facts.format).toBe('archive+gzip');
      const examined = await engine.examine(backup.artefact, backup.facts, { onBytes: () => {} }, never());
      expect(examined).toEqual({ sha256: taken.record?.backup.sha256, sizeBytes: taken.sizeBytes });
      // 750 kB of text: it is compressed.
      expect(taken.sizeBytes).toBeLessThan(200_000);
    } finally {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
);
