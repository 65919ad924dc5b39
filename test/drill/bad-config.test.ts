import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DrillProject, type ProjectOptions, projectOfEachTest } from '../support/drill-project.ts';
import { canRunIn } from '../support/needs.ts';
import { plainDump } from '../support/plain-dump.ts';

const drillProject = projectOfEachTest();

const given = async (options: Partial<ProjectOptions> = {}): Promise<DrillProject> => {
  return await drillProject({ isolation: 'docker', ...options });
};

describe.runIf(canRunIn('docker'))(
  'what makes a receipt impossible ends the command before a drill begins',
  () => {
    it('a key that cannot be read, or is of a wrong kind', async () => {
      const { drill, folder } = await given({
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
      const { drill, folder } = await given({
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
      [
        'SQL for MongoDB',
        source('[a]', 'a').replace('postgres', 'mongodb'),
        /:2:\d+ {2}.*a has a summary_sql/,
      ],
      ['a filter that is no mapping', asking('collection: c, filter: open'), /:4:\d+ {2}.*mapping/],
      [
        'a collection beside list_collections',
        asking('list_collections: true, collection: c'),
        /:4:\d+ {2}collection and list_collections exclude each other/,
      ],
      [
        'a stage that writes where it must not',
        asking('collection: c, aggregate: [{ $out: x }]', 'read_only: true,'),
        /:4:\d+ {2}\$out writes, which read_only: true forbids/,
      ],
    ])('%s', async (_, text, message) => {
      const { drill, folder } = await given();
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
    const { drill, folder, dumps } = await given({ config: ['evidence: { store: evidence }'] });
    await writeFile(join(dumps, 'shop.sql'), plainDump('SELECT 1;'));
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

function asking(find: string, more = ''): string {
  return source('[a]', 'a')
    .replace('postgres', 'mongodb')
    .replace('summary_sql: SELECT 1 AS n', `${more} summary_find: { database: shop, ${find} }`);
}

function twice(check: string): string {
  const one = `  - { ${check}, summary_sql: SELECT 1 AS n, expect: "n > 0" }\n`;
  return source('[a]', 'b') + one + one;
}
