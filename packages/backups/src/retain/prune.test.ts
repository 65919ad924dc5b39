import { mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackupRecord, MusterError, newTakeId, RECORD_SUFFIX, sha256 } from '@muster/core';
import { engineOf } from '@muster/engines';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDirectoryRepository } from '../directory-repository.js';
import type { DrillFacts } from './drill-facts.js';
import { goingName, newPrune, retiredName } from './own-backups.js';
import { ownInDirectory } from './own-in-directory.js';
import { type PrunePorts, type PruneRequest, prune } from './prune.js';

const NOW = new Date('2026-11-21T00:00:00Z');
const DAY = 86_400_000;
const signal = AbortSignal.timeout(10_000);
const SOURCE = { slug: 'shop', kind: 'postgres' } as const;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'muster-prune-'));
});
afterEach(() => rm(directory, { recursive: true }));

const made = (days: number): Date => new Date(NOW.getTime() - days * DAY);
const nameOf = (days: number): string =>
  `shop_${made(days)
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')}.dump`;

function recordOf(id: string, bytes: string, days: number): BackupRecord {
  const at = made(days).toISOString();
  return {
    type: 'urn:muster:backup:v1',
    source: SOURCE,
    backup: { id, sha256: sha256(bytes), size_bytes: bytes.length, format: 'custom' },
    take: {
      id: newTakeId(made(days)),
      trigger: { kind: 'cli' },
      ...{ started_at: at, ended_at: at, muster_version: '0.1.0' },
    },
  };
}

const writeRecord = (id: string, record: unknown): Promise<void> =>
  writeFile(join(directory, `${id}${RECORD_SUFFIX}`), JSON.stringify(record));

/** As a take leaves it. */
async function take(days: number, change: (record: BackupRecord) => unknown = (record) => record) {
  const id = nameOf(days);
  const bytes = `the dump of ${days} days ago`;
  await writeFile(join(directory, id), bytes);
  await utimes(join(directory, id), made(days), made(days));
  await writeRecord(id, change(recordOf(id, bytes, days)));
  return id;
}

const own = () => ownInDirectory(directory);
const repository = () =>
  createDirectoryRepository({ directory, match: '*', engine: engineOf('postgres'), pause: async () => {} });
const PASSED: DrillFacts = { passed: [{ id: nameOf(0) }], open: [] };

const pruned = (request: Partial<PruneRequest> = {}, ports: Partial<PrunePorts> = {}) =>
  prune(
    { repository: repository(), own: own(), drills: async () => PASSED, now: () => NOW, ...ports },
    { source: SOURCE, retain: { count: 2 }, takeMs: 3_600_000, dryRun: false, unproven: false, ...request },
    signal,
  );
const outcomes = async (...args: Parameters<typeof pruned>) =>
  (await pruned(...args)).backups.map(({ outcome, why, detail }) =>
    [outcome, why, detail].filter(Boolean).join(': '),
  );
const there = async () => (await readdir(directory)).sort();
const withRecords = (...ids: readonly string[]) => ids.flatMap((id) => [id, `${id}${RECORD_SUFFIX}`]).sort();

describe('pruning a directory', () => {
  it('removes what is not kept, and its record, and nothing else', async () => {
    const ids = await Promise.all([0, 1, 2, 3].map((days) => take(days)));
    await writeFile(join(directory, 'notes.txt'), 'mine');
    const { freedBytes } = await pruned();
    expect(await there()).toEqual([...withRecords(...ids.slice(0, 2)), 'notes.txt'].sort());
    expect(freedBytes).toBe(2 * 'the dump of 2 days ago'.length);
  });

  it('says in a dry run what it would do, and does nothing', async () => {
    await Promise.all([0, 1, 2].map((days) => take(days)));
    const before = await there();
    expect(await outcomes({ dryRun: true })).toEqual(['kept: newest', 'kept: count', 'expired']);
    expect(await there()).toEqual(before);
  });

  it('removes a dump that is a directory as a whole', async () => {
    await take(0);
    const id = 'shop_20261101T000000Z.dir';
    await mkdir(join(directory, id));
    await writeFile(join(directory, id, 'toc.dat'), 'toc');
    await utimes(join(directory, id, 'toc.dat'), made(20), made(20));
    await utimes(join(directory, id), made(20), made(20));
    await writeRecord(id, recordOf(id, 'toc', 20));
    await pruned({ retain: { count: 1 } });
    expect(await there()).toEqual(withRecords(nameOf(0)));
  });

  it.each<readonly [string, (record: BackupRecord) => unknown]>([
    ['what lies beside it is no record', () => ({ type: 'something else' })],
    ['Muster described it, and did not take it', ({ take: _, ...record }) => record],
    ['it is of the source other', (record) => ({ ...record, source: { ...SOURCE, slug: 'other' } })],
    ['it is of the source shop', (record) => ({ ...record, source: { ...SOURCE, kind: 'mongodb' } })],
    [
      'its record is that of another.dump',
      (record) => ({ ...record, backup: { ...record.backup, id: 'another.dump' } }),
    ],
    [
      'its size is not that of its record',
      (record) => ({ ...record, backup: { ...record.backup, size_bytes: 1 } }),
    ],
    [
      'its bytes are not those of its record',
      (record) => ({ ...record, backup: { ...record.backup, sha256: sha256('other') } }),
    ],
  ])('leaves a backup, and says so: %s', async (why, change) => {
    await Promise.all([take(0), take(1), take(9, change)]);
    expect(await outcomes()).toEqual(['kept: newest', 'kept: count', `kept: not_musters: ${why}`]);
    expect(await there()).toContain(nameOf(9));
  });

  it('leaves what somebody else wrote, and a link to what lies elsewhere', async () => {
    await Promise.all([
      take(0),
      take(1),
      take(8),
      writeFile(join(directory, 'shop_20200101.dump'), 'theirs'),
    ]);
    await rename(join(directory, nameOf(8)), join(directory, '.elsewhere'));
    await symlink(join(directory, '.elsewhere'), join(directory, nameOf(8)));
    expect((await outcomes()).slice(2)).toEqual(Array(2).fill('kept: not_musters: no record lies beside it'));
    expect(await there()).toContain(nameOf(8));
  });

  it('deletes nothing where nobody can tell what drills found', async () => {
    await Promise.all([0, 1, 2].map((days) => take(days)));
    const before = await there();
    const drills = () => Promise.reject(new MusterError('evidence_unwritable', 'away'));
    await expect(pruned({}, { drills })).rejects.toMatchObject({ code: 'evidence_unwritable' });
    expect(await there()).toEqual(before);
  });

  it('brings back what a drill began to read meanwhile: it was found before it was taken out', async () => {
    await Promise.all([0, 1, 2, 3].map((days) => take(days)));
    const id = nameOf(2);
    let looks = 0;
    const drills = async (): Promise<DrillFacts> => {
      looks += 1;
      if (looks === 1) return PASSED;
      expect(await there()).not.toContain(id);
      const drillId = 'drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C';
      return { ...PASSED, open: [{ drillId, restorePoint: { kind: 'id', id } }] };
    };
    expect(await outcomes({}, { drills })).toEqual([
      'kept: newest',
      'kept: count',
      'kept: drill: drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C',
      'removed',
    ]);
    expect(await there()).toEqual(withRecords(...[0, 1, 2].map(nameOf)));
  });

  it('brings back what it had taken out where drills cannot be looked at again', async () => {
    await Promise.all([0, 1, 2].map((days) => take(days)));
    const before = await there();
    let looks = 0;
    const drills = async () => {
      looks += 1;
      if (looks === 2) throw new MusterError('evidence_unwritable', 'away');
      return PASSED;
    };
    await expect(pruned({}, { drills })).rejects.toMatchObject({ code: 'evidence_unwritable' });
    expect(await there()).toEqual(before);
  });

  it('ends what a prune that died had begun, and judges anew what that had only taken out', async () => {
    const ids = await Promise.all([0, 1, 2, 3].map((days) => take(days)));
    const [, second = '', , fourth = ''] = ids;
    await own().retire(second, signal);
    await rename(join(directory, fourth), join(directory, goingName(fourth)));
    expect(await repository().list(signal)).toHaveLength(2);
    expect(await pruned()).toMatchObject({ broughtBack: [second], removed: [fourth] });
    expect(await there()).toEqual(withRecords(...ids.slice(0, 2)));
  });

  it.each([
    ['before its record was out of the way', []],
    ['when its record was', ['record']],
    ['when nothing else was left', ['record', 'backup']],
  ])('ends a removal that was killed %s', async (_, done) => {
    const [kept, id] = [await take(0), await take(9)];
    const going = join(directory, goingName(id));
    await rm(join(directory, id));
    if (!done.includes('backup')) await mkdir(going);
    if (done.includes('record'))
      await rename(join(directory, `${id}${RECORD_SUFFIX}`), `${going}${RECORD_SUFFIX}`);
    expect(await pruned()).toMatchObject({ broughtBack: [], removed: [id] });
    expect(await there()).toEqual(withRecords(kept));
  });

  it.each([
    ['no record', undefined],
    ['the record of another', recordOf('other.dump', 'theirs', 1)],
    ['no proof that Muster took it', { ...recordOf('theirs.dump', 'theirs', 1), take: undefined }],
  ])(
    'brings back what somebody called so as it calls what it deletes, where beside it is %s',
    async (_, record) => {
      const kept = await take(0);
      await writeFile(join(directory, goingName('theirs.dump')), 'theirs');
      const beside = record === undefined ? [] : [`theirs.dump${RECORD_SUFFIX}`];
      if (record !== undefined) await writeRecord('theirs.dump', record);
      expect(await pruned()).toMatchObject({ broughtBack: ['theirs.dump'], removed: [] });
      expect(await there()).toEqual([...withRecords(kept), 'theirs.dump', ...beside].sort());
    },
  );

  it('leaves what is called so, and what has its name by now, to a person', async () => {
    await take(0);
    await writeFile(join(directory, goingName('theirs.dump')), 'theirs');
    await writeFile(join(directory, 'theirs.dump'), 'another');
    const before = await there();
    await expect(pruned()).rejects.toMatchObject({ code: 'take_unwritable' });
    expect(await there()).toEqual(before);
  });

  it('removes nothing that another prune has in its hand meanwhile: that one may bring it back', async () => {
    const ids = await Promise.all([0, 1, 2].map((days) => take(days)));
    const other = own();
    let looks = 0;
    const drills = async (): Promise<DrillFacts> => {
      looks += 1;
      if (looks === 2) {
        expect(await other.settle(signal)).toMatchObject({ broughtBack: [nameOf(2)] });
        await other.retire(nameOf(2), signal);
      }
      return PASSED;
    };
    expect(await outcomes({}, { drills })).toEqual(['kept: newest', 'kept: count', 'gone']);
    await other.bringBack(nameOf(2), signal);
    expect(await there()).toEqual(withRecords(...ids));
  });

  it('two at once remove the same, and neither fails', async () => {
    const ids = await Promise.all([0, 1, 2, 3, 4].map((days) => take(days)));
    await Promise.all([pruned(), pruned()]);
    await pruned();
    expect(await there()).toEqual(withRecords(...ids.slice(0, 2)));
  });

  it('lists neither records nor what is hidden, whatever the pattern says', async () => {
    const id = await take(0);
    await writeFile(join(directory, retiredName('x.dump', newPrune())), 'x');
    await writeFile(join(directory, '.shop.dump.tak_01.part'), 'x');
    expect((await repository().list(signal)).map((backup) => backup.id)).toEqual([id]);
  });
});
