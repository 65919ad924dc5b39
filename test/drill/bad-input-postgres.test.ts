import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DrillProject,
  errored,
  type Isolation,
  type ProjectOptions,
  projectOfEachTest,
  verdictOf,
} from '../support/drill-project.ts';
import { type DumpFormat, type DumpServer, dumpServer } from '../support/dumps.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

let server: DumpServer;
const drillProject = projectOfEachTest();
beforeAll(async () => {
  server = await dumpServer(15);
});
afterAll(() => server?.close());

const given = async (isolation: Isolation, options: Partial<ProjectOptions> = {}): Promise<DrillProject> => {
  return await drillProject({ isolation, ...options });
};

describe.runIf(canRunIn('docker') && canRunIn('bubblewrap'))('what cannot be judged of PostgreSQL', () => {
  it('a dump of a newer major than the host has, in bubblewrap', async () => {
    const { drill, dumps } = await given('bubblewrap');
    const newer = await dumpServer(17);
    try {
      await newer.sql('postgres', 'CREATE DATABASE fresh');
      await newer.dump('fresh', 'custom', join(dumps, 'shop.dump'));
    } finally {
      await newer.close();
    }
    expect(verdictOf(await drill())).toEqual(errored('version_unavailable'));
  });

  it.each<[Isolation, DumpFormat]>([
    ['docker', 'custom'],
    ['docker', 'plain'],
    ['bubblewrap', 'custom'],
  ])('an extension that the server has not (%s, %s)', async (isolation, format) => {
    const { drill, dumps } = await given(isolation);
    await dumpForeignExtension(join(dumps, 'shop.dump'), format);
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(errored('extension_missing'));
    expect(drilled.stdout + drilled.stderr).toContain('hstorf');
  });

  it('a scratch out of memory', async () => {
    const { drill, dumps } = await given('docker', { source: ['scratch: { memory: 192MiB }'] });
    const hungry = "SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 700)";
    await writeFile(join(dumps, 'shop.sql'), plainDump(`${hungry};`));
    expect(verdictOf(await drill())).toEqual(errored('scratch_out_of_memory'));
  });
});

/** Names an extension of the same length that no server has. */
async function dumpForeignExtension(path: string, format: DumpFormat): Promise<void> {
  if (format === 'plain') return await writeFile(path, plainDump('CREATE EXTENSION hstorf;'));
  await server.sql('postgres', 'CREATE DATABASE extended');
  await server.sql('extended', 'CREATE EXTENSION hstore');
  await server.dump('extended', 'custom', path);
  await server.sql('postgres', 'DROP DATABASE extended');
  const bytes = await readFile(path);
  await writeFile(path, Buffer.from(bytes.toString('latin1').replaceAll('hstore', 'hstorf'), 'latin1'));
}
