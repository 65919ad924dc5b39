import { readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  errored,
  failed,
  type Isolation,
  type ProjectOptions,
  projectOfEachTest,
  verdictOf,
} from '../support/drill-project.ts';
import { DUMP_KINDS, type GoodDumps } from '../support/good-dumps.ts';
import { describeKindsIn } from '../support/kinds.ts';

const ISOLATIONS: readonly Isolation[] = ['docker', 'bubblewrap'];

describeKindsIn(ISOLATIONS, 'a drill of %s in %s', (sample, isolation) => {
  const { kind } = sample;
  const { make, name, forms, guarded, tooLarge, foreign, ...its } = DUMP_KINDS[kind];
  let good: GoodDumps;
  const drillProject = projectOfEachTest();
  beforeAll(async () => {
    good = await make();
  });
  afterAll(() => good?.close());

  /** A project with a good dump of this form, or none, at `dump`. */
  const given = async (form?: string, { source = [], ...options }: Partial<ProjectOptions> = {}) => {
    const image = source.some((line) => line.startsWith('image:')) ? [] : its.source;
    const project = await drillProject({ isolation, kind, ...options, source: [...image, ...source] });
    const dump = join(project.dumps, name);
    if (form !== undefined) await good.put(form, dump);
    return { ...project, dump };
  };

  it('fails without a backup', async () => {
    const { drill } = await given();
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(failed('no_backup'));
    expect(drilled.stdout + drilled.stderr).toContain('No backup was found');
    expect(drilled.statement?.subject[0].name).toBe('shop/plan');
  });

  it('fails where the newest file is empty, though an older good one lies beside it', async () => {
    const { drill, dump, dumps } = await given(forms[0]);
    await utimes(dump, 0, 0);
    await writeFile(join(dumps, 'newer.dump'), '');
    expect(verdictOf(await drill())).toEqual(failed('empty'));
  });

  it.each([
    ['a text', Buffer.from('this is a text about something else\n'.repeat(1000))],
    ['what another kind of server dumped', foreign],
  ])('fails where there is %s', async (_, bytes) => {
    const { drill, dump } = await given();
    await writeFile(dump, bytes);
    expect(verdictOf(await drill())).toEqual(failed('not_a_dump'));
  });

  it.each(forms)('fails of a truncated dump: %s', async (form) => {
    const { drill, dump } = await given(form);
    await truncateDump(dump);
    expect(verdictOf(await drill())).toEqual(failed('truncated'));
  });

  it.each(guarded)('fails of a flipped byte in the middle of data: %s', async (form) => {
    const { drill, dump } = await given(form);
    const bytes = await readFile(dump);
    const middle = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 0x10, middle);
    await writeFile(dump, bytes);
    expect(verdictOf(await drill())).toEqual(failed('corrupt'));
  });

  it('fails of bytes that are not those of the checksum beside the dump', async () => {
    const { drill, dump } = await given(forms[0]);
    await writeFile(`${dump}.sha256`, `${'0'.repeat(64)}  ${name}\n`);
    expect(verdictOf(await drill())).toEqual(failed('checksum_mismatch'));
  });

  it('fails of what the server does not take', async () => {
    const { drill, dumps } = await given();
    await sample.dump(dumps, { failsQuoting: 'quoted' });
    expect(verdictOf(await drill())).toEqual(failed('restore_failed'));
  });

  it('does not judge what its scratch has no disk for', async () => {
    const { form, disk } = tooLarge;
    const { drill } = await given(form, { source: [`scratch: { disk: ${disk} }`] });
    expect(verdictOf(await drill())).toEqual(errored('scratch_disk_full'));
  });

  it('does not judge what it cannot restore in time', async () => {
    const { drill, dumps } = await given(undefined, { source: ['limits: { restore: 1s }'] });
    await sample.dump(dumps, { restoreMs: 10_000 });
    const drilled = await drill();
    expect(verdictOf(drilled)).toEqual(errored('time_limit'));
    expect(drilled.stdout + drilled.stderr).toContain('limits.restore');
  });

  if (isolation === 'docker') {
    it('does not judge where its image is not to be had', async () => {
      const { drill } = await given(forms[0], { source: ['image: muster.test/absent:15'] });
      const drilled = await drill();
      expect(verdictOf(drilled)).toEqual(errored('image_unavailable'));
      expect(drilled.stdout + drilled.stderr).toContain('muster.test/absent:15');
    });

    it('does not judge a dump that is newer than the image that the source names', async () => {
      const { image, form } = await good.older();
      const { drill } = await given(form, { source: [`image: "${image}"`] });
      expect(verdictOf(await drill())).toEqual(errored('version_unavailable'));
    });
  }
});

/** Cuts a tenth off the end; of a directory, off its largest file. */
async function truncateDump(path: string): Promise<void> {
  const entries = await readdir(path, { recursive: true }).catch(() => ['']);
  const files = await Promise.all(
    entries.map(async (entry) => ({ file: join(path, entry), facts: await stat(join(path, entry)) })),
  );
  const [largest] = files
    .filter(({ file, facts }) => facts.isFile() && !file.endsWith('toc.dat'))
    .toSorted((a, b) => b.facts.size - a.facts.size);
  // Not just at the end of a document, which in a directory nobody could tell.
  if (largest !== undefined) await truncate(largest.file, Math.floor(largest.facts.size * 0.9) - 1);
}
