import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type DrillProject,
  drillProject,
  type Isolation,
  type ProjectOptions,
} from '../support/drill-project.ts';
import { type DumpFormat, type DumpServer, dumpServer, fillSample } from '../support/dumps.ts';
import { canRunIn, describeIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const FORMATS: readonly DumpFormat[] = ['custom', 'tar', 'directory', 'plain'];

const ISOLATIONS: readonly Isolation[] = ['docker', 'bubblewrap'];

let server: DumpServer;
/** A good dump of each format, made once. */
let good: string;
let project: DrillProject | undefined;

beforeAll(async () => {
  good = await mkdtemp(join(tmpdir(), 'muster-good-'));
  server = await dumpServer(15);
  await fillSample(server, 'sample');
  for (const format of FORMATS) await server.dump('sample', format, join(good, format));
  await server.sql('postgres', 'CREATE DATABASE big');
  await server.sql(
    'big',
    "CREATE TABLE t AS SELECT n, repeat('x', 400) AS filler FROM generate_series(1, 400000) AS n",
  );
  await server.dump('big', 'custom', join(good, 'big'));
});
afterAll(async () => {
  await server?.close();
  await rm(good, { recursive: true, force: true });
});
afterEach(async () => {
  const left = await project?.leftovers();
  await project?.remove();
  project = undefined;
  expect(left ?? []).toEqual([]);
});

async function projectWith(
  isolation: Isolation,
  dump: string | undefined,
  options: Omit<ProjectOptions, 'isolation'> = {},
): Promise<DrillProject> {
  project = await drillProject({ isolation, ...options });
  if (dump !== undefined) await cp(join(good, dump), join(project.dumps, 'shop.dump'), { recursive: true });
  return project;
}

const verdict = (drilled: Awaited<ReturnType<DrillProject['drill']>>) => ({
  exit: drilled.exitCode,
  result: drilled.predicate?.result,
  reason: drilled.predicate?.reason,
  ran: drilled.predicate?.checks.filter((check) => check.verdict !== 'not_run').length,
});
const failed = (reason: string) => ({ exit: 1, result: 'fail', reason, ran: 0 });
const errored = (reason: string) => ({ exit: 2, result: 'error', reason, ran: 0 });

describeIn(ISOLATIONS, 'evidence against the backup is a fail (%s)', (isolation) => {
  it('no backup found', async () => {
    const { drill } = await projectWith(isolation, undefined);
    const drilled = await drill();
    expect(verdict(drilled)).toEqual(failed('no_backup'));
    expect(drilled.stdout + drilled.stderr).toContain('No backup was found');
    expect(drilled.statement?.subject[0].name).toBe('shop/plan');
  });

  it('an empty file, though an older good one lies beside it', async () => {
    const { drill, dumps } = await projectWith(isolation, 'custom');
    await writeFile(join(dumps, 'newer.dump'), '');
    expect(verdict(await drill())).toEqual(failed('empty'));
  });

  it('not a dump', async () => {
    const { drill, dumps } = await projectWith(isolation, undefined);
    await writeFile(join(dumps, 'shop.dump'), 'this is a text about something else\n'.repeat(1000));
    expect(verdict(await drill())).toEqual(failed('not_a_dump'));
  });

  it.each(FORMATS)('a truncated %s dump', async (format) => {
    const { drill, dumps } = await projectWith(isolation, format);
    await truncateDump(join(dumps, 'shop.dump'));
    expect(verdict(await drill())).toEqual(failed('truncated'));
  });

  it('a flipped byte in the middle of compressed data', async () => {
    const { drill, dumps } = await projectWith(isolation, 'big');
    const path = join(dumps, 'shop.dump');
    const bytes = await readFile(path);
    const middle = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 0x10, middle);
    await writeFile(path, bytes);
    expect(verdict(await drill())).toEqual(failed('corrupt'));
  });

  it('a flipped byte that only the checksum beside the dump can tell', async () => {
    const { drill, dumps } = await projectWith(isolation, 'plain');
    await writeFile(join(dumps, 'shop.dump.sha256'), `${'0'.repeat(64)}  shop.dump\n`);
    expect(verdict(await drill())).toEqual(failed('checksum_mismatch'));
  });
});

/** Cuts a tenth off the end; of a directory, off its largest member. */
async function truncateDump(path: string): Promise<void> {
  const status = await stat(path);
  if (!status.isDirectory()) return await truncate(path, Math.floor(status.size * 0.9));
  const members = (await readdir(path)).filter((name) => name !== 'toc.dat').map((name) => join(path, name));
  const sizes = await Promise.all(
    members.map(async (member) => ({ member, size: (await stat(member)).size })),
  );
  const [largest] = sizes.toSorted((a, b) => b.size - a.size);
  if (largest !== undefined) await truncate(largest.member, Math.floor(largest.size * 0.9));
}

describe.runIf(canRunIn('docker') && canRunIn('bubblewrap'))('what cannot be judged is an error', () => {
  it('an image that is absent and not to be had', async () => {
    const { drill } = await projectWith('docker', 'custom', { source: ['image: muster.test/absent:15'] });
    const drilled = await drill();
    expect(verdict(drilled)).toEqual(errored('image_unavailable'));
    expect(drilled.stdout + drilled.stderr).toContain('muster.test/absent:15');
  });

  it('a dump of a newer major than the image that the source names', async () => {
    const newer = await dumpServer(17);
    try {
      await newer.sql('postgres', 'CREATE DATABASE fresh');
      await newer.dump('fresh', 'custom', join(good, 'fresh'));
    } finally {
      await newer.close();
    }
    const { drill } = await projectWith('docker', 'fresh', { source: ['image: "muster.test/postgres:15"'] });
    expect(verdict(await drill())).toEqual(errored('version_unavailable'));
  });

  it('a dump of a newer major than the host has, in bubblewrap', async () => {
    const { drill } = await projectWith('bubblewrap', 'fresh');
    expect(verdict(await drill())).toEqual(errored('version_unavailable'));
  });

  it.each<[Isolation, DumpFormat]>([
    ['docker', 'custom'],
    ['docker', 'plain'],
    ['bubblewrap', 'custom'],
  ])('an extension that the server has not (%s, %s)', async (isolation, format) => {
    const { drill, dumps } = await projectWith(isolation, format);
    await withForeignExtension(join(dumps, 'shop.dump'), format);
    const drilled = await drill();
    expect(verdict(drilled)).toEqual(errored('extension_missing'));
    expect(drilled.stdout + drilled.stderr).toContain('hstorf');
  });

  it.each<Isolation>(['docker', 'bubblewrap'])('a scratch out of disk (%s)', async (isolation) => {
    const { drill } = await projectWith(isolation, 'big', { source: ['scratch: { disk: 120MiB }'] });
    expect(verdict(await drill())).toEqual(errored('scratch_disk_full'));
  });

  it('a scratch out of memory', async () => {
    const { drill, dumps } = await projectWith('docker', undefined, {
      source: ['scratch: { memory: 192MiB }'],
    });
    const hungry = "SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 700)";
    await writeFile(join(dumps, 'shop.sql'), plainDump(`${hungry};`));
    expect(verdict(await drill())).toEqual(errored('scratch_out_of_memory'));
  });

  it.each<Isolation>(['docker', 'bubblewrap'])('a restore over its time limit (%s)', async (isolation) => {
    const { drill, dumps } = await projectWith(isolation, undefined, { source: ['limits: { restore: 2s }'] });
    await writeFile(join(dumps, 'shop.sql'), plainDump('SELECT pg_sleep(600);'));
    const drilled = await drill();
    expect(verdict(drilled)).toEqual(errored('time_limit'));
    expect(drilled.stdout + drilled.stderr).toContain('limits.restore');
  });
});

describe.runIf(canRunIn('docker'))(
  'what makes a receipt impossible ends the command before a drill begins',
  () => {
    it('a key that cannot be read, or is of a wrong kind', async () => {
      const { drill, folder } = await projectWith('docker', 'custom', {
        config: ['signing: { key: "file:signing.pem" }'],
      });
      expect(await drill()).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('signing.pem'),
        statement: undefined,
      });
      await writeFile(join(folder, 'signing.pem'), 'no key at all\n', { mode: 0o600 });
      expect(await drill()).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('signing.pem'),
        statement: undefined,
      });
    });

    it('an evidence directory that cannot be written', async () => {
      const { drill, folder } = await projectWith('docker', 'custom', {
        config: ['evidence: { store: evidence }'],
      });
      // Root may write anywhere: a file in its place stops it, too.
      await writeFile(join(folder, 'evidence'), '');
      await chmod(join(folder, 'evidence'), 0o400);
      expect(await drill()).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('evidence'),
        statement: undefined,
      });
    });

    it.each([
      ['malformed YAML', 'sources: [', /muster\.yaml:\d+:\d+/],
      ['duplicate ids', twice('id: a'), /:6:\d+ {2}the id a is already that of line 5/],
      ['an unknown check', source('[recent-ordres]', 'recent-orders'), /recent-orders/],
      ['a wrong expect', source('[a]', 'a', 'n > 1 and n < 3'), /::int AS ok/],
    ])('%s', async (_, text, message) => {
      const { drill, folder } = await projectWith('docker', 'custom');
      await writeFile(join(folder, 'muster.yaml'), text);
      expect(await drill()).toMatchObject({
        exitCode: 64,
        stderr: expect.stringMatching(message),
        statement: undefined,
      });
    });
  },
);

describe.runIf(canRunIn('docker'))('a receipt that could not be kept after all', () => {
  it('does not hide how the drill ended', async () => {
    const { drill, folder } = await projectWith('docker', 'custom', {
      config: ['evidence: { store: evidence }'],
    });
    await mkdir(join(folder, 'evidence'));
    await writeFile(join(folder, 'evidence/receipts'), '');
    expect(await drill()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('The drill ended in pass, but its receipt could not be kept.'),
      statement: undefined,
    });
  });
});

function source(checks: string, id: string, expectation = 'n > 0'): string {
  return `sources:\n  - { slug: shop, kind: postgres, backup: { type: dump, location: dumps }, checks: ${checks} }
checks:\n  - { id: ${id}, summary_sql: SELECT 1 AS n, expect: "${expectation}" }\n`;
}

function twice(check: string): string {
  const one = `  - { ${check}, summary_sql: SELECT 1 AS n, expect: "n > 0" }\n`;
  return source('[a]', 'b') + one + one;
}

/** Names an extension of the same length that no server has. */
async function withForeignExtension(path: string, format: DumpFormat): Promise<void> {
  if (format === 'plain') {
    const text = await readFile(path, 'utf8');
    await writeFile(
      path,
      text.replace('SET client_min_messages', 'CREATE EXTENSION hstorf;\nSET client_min_messages'),
    );
    return;
  }
  await server.sql('postgres', 'CREATE DATABASE extended');
  await server.sql('extended', 'CREATE EXTENSION hstore');
  await rm(path);
  await server.dump('extended', 'custom', path);
  await server.sql('postgres', 'DROP DATABASE extended');
  const bytes = await readFile(path);
  await writeFile(path, Buffer.from(bytes.toString('latin1').replaceAll('hstore', 'hstorf'), 'latin1'));
}
