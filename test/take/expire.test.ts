import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createPgbackrestRepository, expireSets, pgbackrestTool } from '@muster/backups';
import { isPgbackrestFacts } from '@muster/engines';
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
const signal = AbortSignal.timeout(200_000);

describe.runIf(MAY_RUN)('pgbackrest expire', () => {
  let cluster: ArchivedCluster;
  beforeAll(async () => {
    cluster = await archivedCluster(await freePort());
    await cluster.tool('stanza-create');
    for (const type of ['full', 'full', 'incr', 'full']) await take(type);
  }, 120_000);
  afterAll(() => cluster?.remove());

  const take = async (type: string) => {
    await cluster.tool('--no-expire-auto', `--type=${type}`, 'backup');
    await cluster.sql("SELECT pg_create_restore_point('between'), pg_switch_wal()");
  };
  /** Of a segment of the first 4 GiB. */
  const numberOf = (segment: string) => Number.parseInt(segment.slice(16), 16);
  /** Numbers of the segments that are there. */
  const wal = async () => {
    const names = await readdir(join(cluster.repository, 'archive/main'), { recursive: true });
    const found = names.flatMap((name) => /\/([0-9A-F]{24})-[0-9a-f]{40}/.exec(name)?.slice(1) ?? []);
    return found.map(numberOf).toSorted((a, b) => a - b);
  };

  it('removes what retention does not keep, and nothing else where a full set of somebody else comes meanwhile', async () => {
    const { stanza, repository: path, passphrase, config } = cluster;
    const place = async () => ({ type: 'directory', path, passphrase }) as const;
    const repository = createPgbackrestRepository({ stanza, location: path, place });
    const before = await repository.list(signal);
    const [newest = '', incr = '', second = '', first = ''] = before.map(({ id }) => id);
    const facts = before[2]?.facts;
    const start = numberOf((facts && isPgbackrestFacts(facts) && facts.pgbackrest.wal?.start) || '');
    const tool = pgbackrestTool({ stanza, configured: { by: 'config', path: config }, env: process.env });
    const prune = async (passed: string, meanwhile?: () => Promise<void>) => {
      const { backups } = await expireSets(
        {
          repository,
          drills: async () => ({ passed: [{ id: passed }], open: [] }),
          now: () => new Date(),
          expire: async (options) => {
            if (!options[0]?.startsWith('--set=')) await meanwhile?.();
            await tool.run('expire', ['--repo=1', ...options], () => undefined, signal);
          },
        },
        {
          source: { slug: 'shop', kind: 'postgres' },
          ...{ retain: { count: 1 }, takeMs: 3_600_000, dryRun: false, unproven: false },
        },
        signal,
      );
      return backups.map(({ id, outcome, why }) => [id, why ?? outcome]);
    };
    const there = async () => (await repository.list(signal)).map(({ id }) => id);

    expect(await prune(incr, () => take('full'))).toEqual([
      [newest, 'newest'],
      [incr, 'passed'],
      [second, 'passed'],
      [first, 'removed'],
    ]);
    const [other, ...others] = await there();
    expect(others).toEqual([newest, incr, second]);
    const since = (await wal()).filter((segment) => segment >= start);
    expect(since.length).toBeGreaterThan(3);
    expect(since).toEqual(since.map((_, index) => start + index));

    expect(await prune(newest)).toHaveLength(4);
    expect(await there()).toEqual([other, newest]);
    expect((await wal())[0]).toBe(start);
  });
});
