import { createPgbackrestRepository, expireSets, pgbackrestTool } from '@muster/backups';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchivedCluster, archivedCluster } from '../support/archived-cluster.ts';
import { findProgram } from '../support/find-program.ts';
import { freePort } from '../support/free-port.ts';
import { canRunIn } from '../support/needs.ts';
import { requirement } from '../support/requirement.ts';

const MAY_RUN =
  canRunIn('docker 15') &&
  requirement(
    'pgbackrest-here',
    findProgram('pgbackrest') !== undefined,
    'there is no pgbackrest on the PATH (apt-get install pgbackrest)',
  );
const signal = AbortSignal.timeout(100_000);

describe.runIf(MAY_RUN)('pgbackrest expire', () => {
  let cluster: ArchivedCluster;
  beforeAll(async () => {
    cluster = await archivedCluster(await freePort());
    await cluster.tool('stanza-create');
    for (const type of ['full', 'full', 'incr', 'full'])
      await cluster.tool('--no-expire-auto', `--type=${type}`, 'backup');
  }, 120_000);
  afterAll(() => cluster?.remove());

  it('removes what retention does not keep, and not the newest that passed', async () => {
    const { stanza, repository: path, passphrase, config } = cluster;
    const place = async () => ({ type: 'directory', path, passphrase }) as const;
    const repository = createPgbackrestRepository({ stanza, location: path, place });
    const before = (await repository.list(signal)).map(({ id }) => id);
    const [newest = '', incr = '', second = '', first = ''] = before;
    const tool = pgbackrestTool({ stanza, configured: { by: 'config', path: config }, env: process.env });
    const prune = (passed: string) =>
      expireSets(
        {
          repository,
          drills: async () => ({ passed: [{ id: passed }], open: [] }),
          now: () => new Date(),
          expire: async (options) =>
            void (await tool.run('expire', ['--repo=1', ...options], () => undefined, signal)),
        },
        {
          source: { slug: 'shop', kind: 'postgres' },
          ...{ retain: { count: 1 }, takeMs: 3_600_000, dryRun: false, unproven: false },
        },
        signal,
      );
    const outcomes = async (passed: string) =>
      (await prune(passed)).backups.map(({ id, outcome, why }) => [id, why ?? outcome]);
    expect(await outcomes(incr)).toEqual([
      [newest, 'newest'],
      [incr, 'passed'],
      [second, 'passed'],
      [first, 'removed'],
    ]);
    expect((await repository.list(signal)).map(({ id }) => id)).toEqual(before.slice(0, -1));
    expect(await outcomes(newest)).toHaveLength(3);
    expect((await repository.list(signal)).map(({ id }) => id)).toEqual([newest]);
  });
});
