import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { createS3Repository, type DrillFacts, ownInS3, prune } from '@muster/backups';
import { RECORD_SUFFIX } from '@muster/core';
import { engineOf } from '@muster/engines';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { goingName, newPrune, retiredName } from '../../packages/backups/src/retain/own-backups.ts';
import { backupName, bytesOf, made, takenRecord } from '../support/kept-backups.ts';
import { canServeS3, S3_KEY, type S3Server, s3Server } from '../support/s3-server.ts';

const BUCKET = 'backups';
const signal = AbortSignal.timeout(100_000);

describe.runIf(canServeS3())('pruning object storage', () => {
  let server: S3Server;
  let prefix: string;
  let count = 0;
  beforeAll(async () => {
    server = await s3Server({ versions: false });
    await server.makeBucket(BUCKET);
  });
  afterAll(() => server?.close());
  beforeEach(() => {
    count += 1;
    prefix = `of-${count}`;
  });

  const put = (name: string, Body: string) =>
    server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${name}`, Body }));
  const take = async (days: number) => {
    const id = backupName(days);
    await put(id, bytesOf(days));
    await put(`${id}${RECORD_SUFFIX}`, JSON.stringify(takenRecord(id, bytesOf(days), days)));
    return id;
  };
  const where = () => ({
    ...{ bucket: BUCKET, prefix },
    connection: {
      ...{ endpoint: server.endpoint, region: 'us-east-1', pathStyle: true },
      credentials: async () => S3_KEY,
    },
  });
  const repository = () => createS3Repository({ ...where(), match: '*', engine: engineOf('postgres') });
  const there = async () => {
    const names: string[] = [];
    const { Contents = [] } = await server.client.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}/` }),
    );
    for (const { Key = '' } of Contents) names.push(Key.slice(prefix.length + 1));
    return names.sort();
  };
  const withRecords = (...ids: readonly string[]) =>
    ids.flatMap((id) => [id, `${id}${RECORD_SUFFIX}`]).sort();
  const pruned = (drills: () => Promise<DrillFacts>) =>
    prune(
      { repository: repository(), own: ownInS3(where()), drills, now: () => made(0) },
      {
        source: { slug: 'shop', kind: 'postgres' },
        ...{ retain: { count: 1 }, takeMs: 3_600_000, dryRun: false, unproven: false },
      },
      signal,
    );
  const PASSED = { passed: [{ id: backupName(1) }], open: [] };

  it('deletes just the key of a backup and that of its record, or the objects of a dump of several files', async () => {
    const kept = await take(1);
    await take(2);
    await put(`${backupName(2)}.sha256`, 'theirs');
    const several = 'shop_20200101T000000Z.dir';
    await put(`${several}/toc.dat`, 'toc');
    await put(`${several}/1.dat.gz`, 'data');
    await put(`${several}${RECORD_SUFFIX}`, JSON.stringify(takenRecord(several, 'tocdata', 300)));
    await put('theirs.dump', 'theirs');
    const { freedBytes } = await pruned(async () => PASSED);
    expect(await there()).toEqual([...withRecords(kept), `${backupName(2)}.sha256`, 'theirs.dump'].sort());
    expect(freedBytes).toBe(bytesOf(2).length + 7);
  });

  it('brings back what a drill may have found before it was taken out', async () => {
    await take(1);
    const id = await take(2);
    let looks = 0;
    const drills = async (): Promise<DrillFacts> => {
      looks += 1;
      if (looks === 1) return PASSED;
      expect((await repository().list(signal)).map((backup) => backup.id)).not.toContain(id);
      const drillId = 'drl_01KAG5QJ2V8Q6W9Z3T5X7Y1B4C';
      return { ...PASSED, open: [{ drillId, restorePoint: { kind: 'id', id } }] };
    };
    await pruned(drills);
    expect(await there()).toEqual(withRecords(backupName(1), id));
  });

  it('removes nothing that another prune has in its hand meanwhile: that one may bring it back', async () => {
    await take(1);
    const id = await take(2);
    const other = ownInS3(where());
    let looks = 0;
    const drills = async (): Promise<DrillFacts> => {
      looks += 1;
      if (looks === 2) {
        expect(await other.settle(signal)).toMatchObject({ broughtBack: [id] });
        await other.retire(id, signal);
      }
      return PASSED;
    };
    expect((await pruned(drills)).backups.at(-1)).toMatchObject({ id, outcome: 'gone' });
    await other.bringBack(id, signal);
    expect(await there()).toEqual(withRecords(backupName(1), id));
  });

  it('ends what a prune that died had begun: what it was deleting never lists, what it had only taken out comes back', async () => {
    const [kept, retired, going] = [await take(1), await take(2), await take(3)];
    await put(retiredName(retired, newPrune()), 'out');
    await put(goingName(going), 'out');
    expect((await repository().list(signal)).map((backup) => backup.id)).toEqual([kept]);
    const facts = { passed: [{ id: retired }], open: [] };
    expect(await pruned(async () => facts)).toMatchObject({ broughtBack: [retired], removed: [going] });
    expect(await there()).toEqual(withRecords(kept, retired));
  });

  it('brings back what somebody marked as being deleted and no record proves to be its own', async () => {
    const kept = await take(1);
    await put('theirs.dump', 'theirs');
    await put(goingName('theirs.dump'), '');
    expect(await pruned(async () => ({ passed: [], open: [] }))).toMatchObject({
      broughtBack: ['theirs.dump'],
      removed: [],
    });
    expect(await there()).toEqual([...withRecords(kept), 'theirs.dump']);
  });
});
