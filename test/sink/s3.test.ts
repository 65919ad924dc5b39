import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { receiptKey } from '@muster/core';
import { createS3Store, type EvidenceStore, putPlan, type S3StoreOptions } from '@muster/evidence';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { drilled, messageOf, signal } from '../../packages/sink/src/sink.fixture.ts';
import { type Fate, type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { canServeS3, S3_KEY, type S3Server, s3Server } from '../support/s3-server.ts';
import { sinksOnRedis } from './real-sink.ts';

type Sinks = Awaited<ReturnType<typeof sinksOnRedis>>;

const BUCKET = 'evidence-bucket';

describe.runIf(canServeS3())('sinks whose evidence is kept in S3, under Object Lock', () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let sinks: Sinks;
  beforeAll(async () => {
    server = await s3Server({ versions: true });
    await server.makeBucket(BUCKET, { objectLock: true });
    proxy = await s3Proxy(server.endpoint);
    sinks = await sinksOnRedis();
  });
  afterEach(() => sinks.stopSinks());
  afterAll(async () => {
    await sinks?.close();
    await proxy?.close();
    await server?.close();
  });

  const storeAt = (endpoint: string, timing?: S3StoreOptions['timing']): EvidenceStore =>
    createS3Store({
      bucket: BUCKET,
      prefix: '',
      endpoint,
      credentials: async () => S3_KEY,
      objectLock: { mode: 'compliance', days: 1 },
      now: () => new Date(),
      timing,
    });
  const direct = () => storeAt(server.endpoint);
  const throughProxy = () => storeAt(proxy.endpoint, { attempt: 400, backoff: [10, 20] });
  /** A sink that has seen that it can write there: what its requests meet from now on is of its receipts alone. */
  const ready = async (store: EvidenceStore): Promise<void> => {
    proxy.fate('PUT', 'pass');
    proxy.fate('GET', 'pass');
    await sinks.start({ store });
    await sinks.hears('ready');
  };
  /** Every version of every receipt. */
  const versions = async (): Promise<readonly string[]> => {
    const all = await server.client.send(
      new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: 'receipts/', MaxKeys: 1_000 }),
    );
    return (all.Versions ?? []).map(({ Key = '' }) => Key);
  };

  it.each<[string, Fate]>([
    ['answers 500', { status: 500 }],
    ['answers 503', { status: 503, code: 'SlowDown' }],
    ['writes, and answers 500', { after: 500 }],
    ['writes, and loses its answer', 'swallow'],
    ['does not answer', 'hang'],
    ['answers by half', 'halt'],
    ['resets each connection', 'reset'],
  ])('that %s and recovers, store each receipt once', async (_, fate) => {
    const drill = drilled();
    const message = messageOf(drill, sinks.signer);
    await putPlan(direct(), drill.plan, signal);
    await ready(throughProxy());
    proxy.fate('PUT', fate);
    proxy.fate('GET', fate);
    await sinks.publish(message);
    await sinks.hears('receipts wait, and come again');
    expect(await sinks.index.get(drill.id, signal)).toBeUndefined();
    proxy.fate('PUT', 'pass');
    proxy.fate('GET', 'pass');
    await sinks.done(drill.id);
    const key = receiptKey('shop', drill.id);
    expect((await versions()).filter((one) => one === key)).toEqual([key]);
    expect(Buffer.from(await direct().get(key, signal)).toString()).toBe(message.bundle);
    expect((await sinks.index.get(drill.id, signal))?.key).toBe(key);
  });

  it.each<[string, Fate]>([
    ['answers 500', { status: 500 }],
    ['writes, and loses its answer', 'swallow'],
    ['does not answer', 'hang'],
  ])('that %s to a write alone and recovers, store each receipt once', async (_, fate) => {
    const drill = drilled();
    await putPlan(direct(), drill.plan, signal);
    await ready(throughProxy());
    proxy.fate('PUT', fate, fate, fate, fate, 'pass');
    await sinks.publish(messageOf(drill, sinks.signer));
    await sinks.done(drill.id);
    const key = receiptKey('shop', drill.id);
    expect((await versions()).filter((one) => one === key)).toEqual([key]);
    expect((await sinks.index.get(drill.id, signal))?.key).toBe(key);
  });

  it('that is so slow that a receipt takes longer than its lock has it once, at the first try', async () => {
    const drill = drilled();
    await putPlan(direct(), drill.plan, signal);
    await ready(storeAt(proxy.endpoint));
    proxy.fate('PUT', 'slow');
    proxy.fate('GET', 'slow');
    const began = performance.now();
    await sinks.publish(messageOf(drill, sinks.signer));
    await sinks.done(drill.id);
    expect(performance.now() - began).toBeGreaterThan(20_000);
    expect(sinks.logged('receipt kept')).toHaveLength(1);
    const key = receiptKey('shop', drill.id);
    expect((await versions()).filter((one) => one === key)).toEqual([key]);
  });

  it('that has it, and could not say so, is asked again and has it once', async () => {
    const drill = drilled();
    const key = receiptKey('shop', drill.id);
    await putPlan(direct(), drill.plan, signal);
    await ready(throughProxy());
    proxy.fate('PUT', 'swallow');
    // The plan is listed and read; then nobody can see what became of the write.
    proxy.fate('GET', 'pass', 'pass', { status: 500 });
    await sinks.publish(messageOf(drill, sinks.signer));
    await sinks.hears('receipts wait, and come again');
    expect((await versions()).filter((one) => one === key)).toEqual([key]);
    expect(await sinks.index.get(drill.id, signal)).toBeUndefined();
    proxy.fate('PUT', 'pass');
    proxy.fate('GET', 'pass');
    await sinks.done(drill.id);
    expect((await versions()).filter((one) => one === key)).toEqual([key]);
    expect((await sinks.index.get(drill.id, signal))?.statement).toEqual(drill.statement);
  });

  it('two at once, with three messages a drill, leave one receipt of each, and the index has that one', async () => {
    const drills = Array.from({ length: 20 }, () => drilled());
    for (const { plan } of drills) await putPlan(direct(), plan, signal);
    await Promise.all(
      drills.flatMap((drill) => {
        const again = drilled({ drill_id: drill.id, issued_at: '2026-11-20T03:00:09.000Z' });
        return [
          sinks.publish(messageOf(drill, sinks.signer)),
          sinks.publish({ ...messageOf(again, sinks.signer), attempt: 2 }),
          sinks.publish({ type: 'unfinished', plan: drill.plan, reason: 'lost', attempts: [] }),
        ];
      }),
    );
    await Promise.all([sinks.start({ store: direct() }), sinks.start({ store: direct() })]);
    for (const { id } of drills) await sinks.done(id);
    const keys = await versions();
    for (const { id } of drills) {
      const key = receiptKey('shop', id);
      expect(keys.filter((one) => one === key)).toEqual([key]);
      const { dsseEnvelope } = JSON.parse(Buffer.from(await direct().get(key, signal)).toString());
      const stored = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString());
      expect((await sinks.index.get(id, signal))?.statement).toEqual(stored);
    }
    expect(sinks.logged('receipt in quarantine')).toEqual([]);
    expect(sinks.logged('receipts wait, and come again')).toEqual([]);
  });
});
