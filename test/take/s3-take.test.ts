import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { createS3Repository, createS3TakePlace } from '@muster/backups';
import { isMusterError, RECORD_SUFFIX } from '@muster/core';
import { engineOf } from '@muster/engines';
import { livenessOf } from '@muster/scratch';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DumpServer, dumpServer } from '../support/dumps.ts';
import { canRunIn } from '../support/needs.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { canServeS3, S3_KEY, type S3Server, s3Server } from '../support/s3-server.ts';
import { never } from '../support/server-bench.ts';
import { DEAD, ELSEWHERE, HERE, type Taking, take, takenSource } from '../support/taking.ts';

const BUCKET = 'back-ups';
const AT = new Date('2026-11-21T03:00:00.400Z');
const NAME = 'shop_20261121T030000Z.dump';
const ID = 'tak_01JD0000000000000000000000';
const QUICK = { timing: { attempt: 2_000, backoff: [10, 20] }, stall: 2_000, again: [] };

describe.runIf(canRunIn('bubblewrap') && canServeS3())('a dump that is taken into object storage', () => {
  let server: DumpServer;
  let s3: S3Server;
  let proxy: S3Proxy;
  beforeAll(async () => {
    [server, s3] = await Promise.all([dumpServer(15), s3Server({ versions: false })]);
    await s3.makeBucket(BUCKET);
    await server.sql('postgres', 'CREATE DATABASE shop');
    await server.sql(
      'shop',
      'CREATE TABLE item AS SELECT md5(g::text) AS s FROM generate_series(1, 20000) g',
    );
  });
  afterAll(async () => {
    await s3?.close();
    await server?.close();
  });
  let prefix = '';
  let tests = 0;
  beforeEach(async () => {
    tests += 1;
    prefix = `test-${tests}`;
    proxy = await s3Proxy(s3.endpoint);
  });
  afterEach(() => proxy.close());

  const connection = (endpoint = s3.endpoint, secret: { secretAccessKey?: string } = {}) => ({
    endpoint,
    credentials: async () => ({ ...S3_KEY, ...secret }),
  });
  const placeAt = (reached = connection()) =>
    createS3TakePlace({ bucket: BUCKET, prefix, connection: reached, liveness: livenessOf, bounds: QUICK });
  const taking = (more: Partial<Taking> = {}) =>
    take({
      source: takenSource('postgres', 'take: {}, fidelity: off'),
      place: placeAt(),
      secrets: { URI: `postgresql://postgres@/shop?host=${server.dir}` },
      now: () => AT,
      ...more,
    });
  const there = async () => {
    const page = await s3.client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}/` }));
    return (page.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length + 1)).toSorted();
  };
  const uploads = async () => {
    const page = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    return (page.Uploads ?? []).map(({ Key = '' }) => Key).filter((key) => key.startsWith(`${prefix}/`));
  };
  const put = (name: string, Body: string) =>
    s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${name}`, Body }));

  it('lists, is bound to its record, and has a checksum that the storage keeps', async () => {
    const taken = await taking();
    expect(await there()).toEqual([NAME, `${NAME}${RECORD_SUFFIX}`]);
    const engine = engineOf('postgres');
    const options = { bucket: BUCKET, prefix, connection: connection(), match: undefined, engine };
    const [backup] = await createS3Repository(options).list(never());
    if (backup?.artefact.form !== 'flow' || backup.facts === undefined) throw new Error('it is a flow');
    const examined = await engine.examine(backup.artefact, backup.facts, { onBytes: () => {} }, never());
    expect(examined).toEqual({ sha256: taken.record?.backup.sha256, sizeBytes: taken.sizeBytes });
    const object = { Bucket: BUCKET, Key: `${prefix}/${NAME}`, ChecksumMode: 'ENABLED' as const };
    const { ChecksumCRC32, ChecksumType } = await s3.client.send(new HeadObjectCommand(object));
    expect([ChecksumCRC32, ChecksumType]).toEqual([expect.any(String), 'FULL_OBJECT']);
  });

  it('never overwrites: two hosts in one second take two backups', async () => {
    const two = await Promise.all([taking({ isAlone: true }), taking({ isAlone: true, place: placeAt() })]);
    expect(two.map(({ backupId }) => backupId).toSorted()).toEqual([NAME, 'shop_20261121T030001Z.dump']);
  });

  it('that is taken by two hosts at once, which know of each other by the storage alone, is taken by one', async () => {
    const both = await Promise.allSettled([taking(), taking({ place: placeAt() })]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toHaveProperty('reason.code', 'take_overrun');
    expect(await there()).toEqual([NAME, `${NAME}${RECORD_SUFFIX}`]);
  });

  it('leaves an object that was given its name meanwhile as it is', async () => {
    const mine = taking({
      onProgress: ({ phase }) => phase === 'dump' && void put(NAME, 'mine'),
    });
    await expect(mine).rejects.toEqual(fault('take_exists', 'stays'));
    expect(await there()).toEqual([NAME]);
    expect(await uploads()).toEqual([]);
    expect(await readFile(join(s3.directory, BUCKET, prefix, NAME), 'utf8')).toBe('mine');
  });

  it.each(['sweep', 'dump', 'publish'])('that is cancelled in its phase %s leaves nothing', async (phase) => {
    const cancel = new AbortController();
    const taken = taking({
      signal: cancel.signal,
      onProgress: (progress) => progress.phase === phase && cancel.abort(),
    });
    await expect(taken).rejects.toEqual(fault('cancelled', `"${phase}"`));
    expect(await there()).toEqual([]);
    expect(await uploads()).toEqual([]);
  });

  it('whose answers are lost on the way is there once, and once only', async () => {
    proxy.fate('POST', 'swallow', 'pass');
    proxy.fate('PUT', 'swallow', 'swallow', 'pass');
    await taking({ place: placeAt(connection(proxy.endpoint)) });
    expect(await there()).toEqual([NAME, `${NAME}${RECORD_SUFFIX}`]);
  });

  it('whose last answer is lost is there', async () => {
    const completing = taking({
      place: placeAt(connection(proxy.endpoint)),
      onProgress: ({ phase }) => phase === 'publish' && proxy.fate('POST', 'swallow', 'pass'),
    });
    expect((await completing).backupId).toBe(NAME);
    expect(await there()).toEqual([NAME, `${NAME}${RECORD_SUFFIX}`]);
    expect(await uploads()).toEqual([]);
  });

  it.each([
    ['no_space', { status: 507, code: 'XMinioStorageFull' }, 'room'],
    ['take_unwritable', { status: 501, code: 'NotImplemented' }, 'conditional writes'],
    ['credentials_refused', { status: 403, code: 'AccessDenied' }, 'docs/take.md'],
  ] as const)('that the storage refuses is %s', async (code, fate, words) => {
    proxy.fate('PUT', fate);
    await expect(taking({ place: placeAt(connection(proxy.endpoint)) })).rejects.toEqual(fault(code, words));
    expect(await there()).toEqual([]);
  });

  it('with credentials that are wrong is refused before the dump', async () => {
    const place = placeAt(connection(s3.endpoint, { secretAccessKey: 'wrong' }));
    const refused = taking({ place, openDump: () => Promise.reject(new Error('it was dumped')) });
    await expect(refused).rejects.toEqual(fault('credentials_refused', 'secret access key'));
  });

  it('removes what a dead take left, and nothing of anybody else', async () => {
    const begin = (name: string) =>
      s3.client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: `${prefix}/${name}` }));
    const owned = (worker: string) => JSON.stringify({ type: 'urn:muster:take:v1', take_id: ID, worker });
    const { record } = await taking({ takeId: ID });
    await put('.dead.dump.muster-take', owned(DEAD));
    await put(`dead.dump${RECORD_SUFFIX}`, JSON.stringify(record));
    await put('.here.dump.muster-take', owned(HERE));
    await put('.elsewhere.dump.muster-take', owned(ELSEWHERE));
    await put('.odd.dump.muster-take', 'not ours');
    for (const name of ['dead.dump', 'dead.dump.other', 'here.dump', 'nobody.dump']) await begin(name);
    const { swept, backupId } = await taking();
    expect(swept).toEqual(['.dead.dump.muster-take', `dead.dump${RECORD_SUFFIX}`]);
    expect((await uploads()).toSorted()).toEqual(
      ['dead.dump.other', 'here.dump', 'nobody.dump'].map((name) => `${prefix}/${name}`),
    );
    expect(await there()).toEqual([
      '.elsewhere.dump.muster-take',
      '.here.dump.muster-take',
      '.odd.dump.muster-take',
      ...[NAME, backupId].flatMap((name) => [name, `${name}${RECORD_SUFFIX}`]),
    ]);
  });
});

const fault = (code: string, words: string) =>
  expect.toSatisfy(
    (error: unknown) => isMusterError(error) && error.code === code && error.message.includes(words),
    `${code}: ${words}`,
  );
