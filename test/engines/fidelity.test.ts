import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareFidelity, type FidelityManifest } from '@muster/core';
import { type FidelityAsked, postgresLiveDumper } from '@muster/engines';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DumpServer, dumpServer, fillSample } from '../support/dumps.ts';
import { type EngineBench, engineBench, never } from '../support/engine-bench.ts';
import { describeIn } from '../support/needs.ts';

const FULL: FidelityAsked = { level: 'full', budgetMs: 60_000, sentinels: [] };

describeIn(['bubblewrap 15'], 'what a PostgreSQL was when it was dumped', () => {
  let bench: EngineBench;
  let server: DumpServer;
  let uri: string;
  let folder: string;
  beforeAll(async () => {
    server = await dumpServer(15);
    await fillSample(server, 'shop');
    folder = await mkdtemp(join(tmpdir(), 'muster-fidelity-'));
    uri = `postgresql://postgres@/shop?host=${encodeURIComponent(server.dir)}`;
    bench = await engineBench('bubblewrap 15');
  });
  afterAll(async () => {
    await bench?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is what comes back', async () => {
    const facts = await postgresLiveDumper.survey(uri, never());
    const snapshot = await postgresLiveDumper.openSnapshot(uri, facts, never());
    if (snapshot === undefined) throw new Error('no snapshot');
    const path = join(folder, 'a.dump');
    const dumped = server.dump('shop', 'custom', path, [`--snapshot=${snapshot.id}`]);
    const expected = await snapshot.record(FULL, dumped, never());
    await dumped;
    await snapshot.close();
    const found: FidelityManifest = await bench.restored(path, ({ server, database }) =>
      server.recordFidelity([database], FULL, never()),
    );
    expect(compareFidelity(expected, found)).toMatchObject({ verdict: 'equal' });
  });
});
