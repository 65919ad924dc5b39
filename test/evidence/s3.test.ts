import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { createS3Store, type EvidenceStore, type S3StoreOptions } from '@muster/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canServeS3, S3_KEY, type S3Server, s3Server } from '../support/s3-server.ts';

const { signal } = new AbortController();
const KEY = 'receipts/shop/2026/11/20/drl_1.sigstore.json';
const NOW = new Date('2036-11-20T03:00:00.000Z');
const COMPLIANCE = { mode: 'compliance', days: 30 } as const;

const text = async (bytes: Promise<Uint8Array>): Promise<string> => Buffer.from(await bytes).toString();
const list = (store: EvidenceStore, prefix = '') => Array.fromAsync(store.list(prefix, signal));

describe.runIf(canServeS3()).each([{ versions: true }, { versions: false }])(
  'an evidence store in S3, its server keeping versions: $versions',
  ({ versions }) => {
    let server: S3Server;
    let bucket: string;
    let count = 0;
    beforeAll(async () => {
      server = await s3Server({ versions });
    });
    afterAll(() => server?.close());

    /** A store in a bucket of its own. */
    const given = async (options: Partial<S3StoreOptions> = {}): Promise<EvidenceStore> => {
      count += 1;
      bucket = `bucket-${count}`;
      await server.makeBucket(bucket, { objectLock: options.objectLock !== undefined });
      return storeIn(options);
    };
    const storeIn = (options: Partial<S3StoreOptions> = {}): EvidenceStore =>
      createS3Store({
        bucket,
        prefix: 'evidence',
        endpoint: server.endpoint,
        credentials: async () => S3_KEY,
        now: () => NOW,
        ...options,
      });
    const at = (key: string) => ({ Bucket: bucket, Key: `evidence/${key}` });
    const versionsInBucket = async () =>
      (await server.client.send(new ListObjectVersionsCommand({ Bucket: bucket }))).Versions ?? [];

    it('keeps an object as it was written, and never overwrites it', async () => {
      const store = await given();
      expect(store.location).toBe(`s3://${bucket}/evidence`);
      expect(await store.putOnce(KEY, Buffer.from('first'), signal)).toBe('stored');
      expect(await store.putOnce(KEY, Buffer.from('second'), signal)).toBe('exists');
      expect(await store.putOnce(KEY, Buffer.from('first'), signal)).toBe('exists');
      expect(await text(store.get(KEY, signal))).toBe('first');
      expect(await list(store)).toEqual([KEY]);
      expect(await versionsInBucket()).toMatchObject([{ Key: `evidence/${KEY}`, Size: 5 }]);
    });

    it('has one winner of 20 at once, whose bytes stand', async () => {
      const store = await given();
      const bodies = Array.from({ length: 20 }, (_, writer) => Buffer.alloc(50_000, writer));
      const outcomes = await Promise.all(bodies.map((body) => store.putOnce(KEY, body, signal)));
      expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
      expect(bodies[outcomes.indexOf('stored')]?.equals(await store.get(KEY, signal))).toBe(true);
      expect(await versionsInBucket()).toHaveLength(1);
    });

    it('has one winner of two processes at once, for each object', async () => {
      const store = await given();
      const writers = ['a', 'b'].map((name) => startWriter(server.endpoint, bucket, name, 30));
      await Promise.all(writers.map(({ ready }) => ready));
      for (const { go } of writers) go();
      const [a = [], b = []] = await Promise.all(writers.map(({ outcomes }) => outcomes));
      for (const [index, outcome] of a.entries()) {
        expect([outcome, b[index]].toSorted()).toEqual(['exists', 'stored']);
        expect(await text(store.get(`receipts/shop/${index}`, signal))).toBe(
          outcome === 'stored' ? 'a' : 'b',
        );
      }
      expect(a).toHaveLength(30);
      expect(await versionsInBucket()).toHaveLength(30);
    });

    it('has nothing before the first object', async () => {
      const store = await given();
      expect(await list(store)).toEqual([]);
      await expect(store.get(KEY, signal)).rejects.toMatchObject({ code: 'evidence_not_found' });
      await store.putOnce(`${KEY}.more`, Buffer.from('x'), signal);
      await expect(store.get(KEY, signal)).rejects.toMatchObject({ code: 'evidence_not_found' });
    });

    it('lists thousands of keys under a prefix, each once, in the order of their bytes, and no others', async () => {
      const store = await given();
      const numbers = Array.from({ length: 2_300 }, (_, index) => String(index).padStart(4, '0'));
      const others = ['a-b/c', 'a/b.x', 'a/b/c', 'a/c', 'b'];
      const foreign = ['.muster-probe', 'a/a name.txt', '../beside'];
      for (const key of [...numbers.map((number) => `many/${number}`), ...others, ...foreign]) {
        const file = join(server.directory, bucket, 'evidence', key);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, key);
      }
      expect(await list(store, 'many/')).toEqual(numbers.map((number) => `many/${number}`));
      expect(await list(store, 'a')).toEqual(['a-b/c', 'a/b.x', 'a/b/c', 'a/c']);
      expect(await list(store, 'a/b')).toEqual(['a/b.x', 'a/b/c']);
      expect(await list(store)).toHaveLength(numbers.length + others.length);
      expect(await list(storeIn({ prefix: '' }), 'beside')).toEqual(['beside']);
      expect(await text(store.get('many/0042', signal))).toBe('many/0042');
    });

    it('does nothing once it is told to stop, and refuses what is no key', async () => {
      const store = await given();
      const stopped = AbortSignal.abort(new Error('stop'));
      await expect(store.putOnce(KEY, Buffer.from('x'), stopped)).rejects.toThrow('stop');
      await expect(store.get(KEY, stopped)).rejects.toThrow('stop');
      await expect(Array.fromAsync(store.list('', stopped))).rejects.toThrow('stop');
      await expect(store.probe(stopped)).rejects.toThrow('stop');
      await expect(store.putOnce('../x', Buffer.from('x'), signal)).rejects.toMatchObject({
        code: 'internal',
      });
      expect(await versionsInBucket()).toEqual([]);
    });

    it.each([undefined, COMPLIANCE])(
      'can be probed, also by ten at once, and nothing is left: %j',
      async (objectLock) => {
        const store = await given({ objectLock });
        await store.probe(signal);
        expect(await versionsInBucket()).toEqual([]);
        await Promise.all(Array.from({ length: 10 }, () => store.probe(signal)));
        expect(await versionsInBucket()).toEqual([]);
      },
    );

    it('is probed with one object for all time where the bucket lets nobody delete', async () => {
      const store = await given({ objectLock: COMPLIANCE });
      const Rule = { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } } as const;
      const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const;
      await server.client.send(
        new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration }),
      );
      for (const _ of [1, 2, 3]) await store.probe(signal);
      expect(await versionsInBucket()).toHaveLength(1);
      expect(await list(store)).toEqual([]);
    });

    it('tells that its bucket has no Object Lock, before anything is written', async () => {
      await given();
      const store = storeIn({ objectLock: COMPLIANCE });
      await expect(store.probe(signal)).rejects.toMatchObject({
        code: 'evidence_unwritable',
        message: expect.stringMatching(/no Object Lock: enable it/),
      });
      await expect(store.putOnce(KEY, Buffer.from('x'), signal)).rejects.toMatchObject({
        code: 'evidence_unwritable',
      });
    });

    it.each(['compliance', 'governance'] as const)(
      'in mode %s, an object is locked for its days',
      async (mode) => {
        const store = await given({ objectLock: { mode, days: 30 } });
        expect(await store.putOnce(KEY, Buffer.from('first'), signal)).toBe('stored');
        const { Retention } = await server.client.send(new GetObjectRetentionCommand(at(KEY)));
        expect(Retention).toEqual({
          Mode: mode.toUpperCase(),
          RetainUntilDate: new Date('2036-12-20T03:00:00.000Z'),
        });
        expect(await store.putOnce(KEY, Buffer.from('second'), signal)).toBe('exists');
      },
    );

    it('in mode compliance, not even its owner deletes or overwrites, and the first version is what is read', async () => {
      const store = await given({ objectLock: COMPLIANCE });
      await store.putOnce(KEY, Buffer.from('first'), signal);
      const [first] = await versionsInBucket();
      const version = versions ? { VersionId: first?.VersionId } : {};
      const refused = server.client.send(new DeleteObjectCommand({ ...at(KEY), ...version }));
      await expect(refused).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
      const overwritten = server.client.send(new PutObjectCommand({ ...at(KEY), Body: 'forged' }));
      if (versions) await overwritten;
      else await expect(overwritten).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
      expect(await text(store.get(KEY, signal))).toBe('first');
      expect(await store.putOnce(KEY, Buffer.from('second'), signal)).toBe('exists');
    });

    // A server without versions has neither.
    if (!versions) return;
    it('is not deceived by later versions, nor by what hides an object', async () => {
      const store = await given();
      await store.putOnce(KEY, Buffer.from('first'), signal);
      await server.client.send(new PutObjectCommand({ ...at(KEY), Body: 'forged' }));
      expect(await text(store.get(KEY, signal))).toBe('first');
      await server.client.send(new DeleteObjectCommand(at(KEY)));
      expect(await text(store.get(KEY, signal))).toBe('first');
      expect(await list(store)).toEqual([KEY]);
      expect(await store.putOnce(KEY, Buffer.from('third'), signal)).toBe('exists');
      expect(await text(store.get(KEY, signal))).toBe('first');
    });
  },
);

function startWriter(endpoint: string, bucket: string, name: string, count: number) {
  const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=muster-source', '--disable-warning=ExperimentalWarning'],
      ...['--import', script('../support/resolve-source.mjs'), script('s3-writer.ts')],
      ...[endpoint, bucket, name, String(count)],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, 'line');
  return {
    ready,
    go: () => void child.stdin.write('go\n'),
    outcomes: ready
      .then(() => once(lines, 'line'))
      .then(([line]) => JSON.parse(line as string) as ('stored' | 'exists')[]),
  };
}
