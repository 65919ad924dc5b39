import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createS3Store, type EvidenceStore, type S3StoreOptions } from '@muster/evidence';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fate, type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { canServeS3, S3_KEY, type S3Server, s3Server } from '../support/s3-server.ts';

const { signal } = new AbortController();
const KEY = 'receipts/shop/2026/11/20/drl_1.sigstore.json';
const TIMING = { attempt: 400, backoff: [10, 20, 40] } as const;
/** Above what all tries of an operation may take together, and far below the test's own limit. */
const BOUND_MS = 400 * 5 + 2_000;

describe.runIf(canServeS3())('an evidence store in S3', () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let bucket: string;
  let count = 0;
  beforeAll(async () => {
    server = await s3Server({ versions: true });
  });
  afterAll(() => server?.close());
  beforeEach(async () => {
    count += 1;
    bucket = `bucket-${count}`;
    await server.makeBucket(bucket);
    proxy = await s3Proxy(server.endpoint);
  });
  afterEach(() => proxy.close());

  const storeAt = (options: Partial<S3StoreOptions> = {}): EvidenceStore =>
    createS3Store({
      bucket,
      prefix: 'evidence',
      endpoint: proxy.endpoint,
      credentials: async () => S3_KEY,
      now: () => new Date(),
      timing: TIMING,
      ...options,
    });
  const put = (body = 'mine') => storeAt().putOnce(KEY, Buffer.from(body), signal);
  const another = () =>
    server.client.send(new PutObjectCommand({ Bucket: bucket, Key: `evidence/${KEY}`, Body: 'another' }));
  const stored = async (): Promise<string | undefined> => {
    const { Versions = [] } = await server.client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    expect(Versions.length).toBeLessThanOrEqual(1);
    const direct = storeAt({ endpoint: server.endpoint });
    return Versions.length === 0 ? undefined : Buffer.from(await direct.get(KEY, signal)).toString();
  };
  const within = async <T>(limitMs: number, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      expect(performance.now() - start).toBeLessThan(limitMs);
    }
  };
  const expectUnwritable = async (act: Promise<unknown>, message: RegExp) => {
    const error = await act.then(
      () => undefined,
      (thrown: unknown) => thrown as Error & { code: string },
    );
    expect(error).toMatchObject({ code: 'evidence_unwritable', message: expect.stringMatching(message) });
    expect(String(error?.message)).not.toMatch(/PLANTED-|wrong-secret/i);
  };

  const passing: readonly (readonly [string, readonly [Fate, ...Fate[]]])[] = [
    ['answers 500 once', [{ status: 500, code: 'InternalError' }, 'pass']],
    ['answers 503 twice', [{ status: 503, code: 'SlowDown' }, { status: 503 }, 'pass']],
    ['answers 429 once', [{ status: 429 }, 'pass']],
    [
      'is behind a gateway that answers 502 with a page once',
      [{ status: 502, page: '<html><p>Bad' }, 'pass'],
    ],
    ['resets the connection once', ['reset', 'pass']],
    ['says nothing once', ['hang', 'pass']],
    ['finds a conflict three times', [...conflicts(3), 'pass']],
    ['writes and answers 500', [{ after: 500 }, 'pass']],
    ['writes and answers 503', [{ after: 503 }, 'pass']],
    ['writes and loses its answer', ['swallow', 'pass']],
    ['writes and loses its answer, and is gone for the next tries', ['swallow', 'reset', 'hang', 'reset']],
    ['writes and always loses its answer', ['swallow']],
    ['writes, and what answers is no S3', [{ after: 200 }]],
  ];
  it.each(passing)('that %s has stored one object, and says so', async (_, fates) => {
    proxy.fate('PUT', ...fates);
    expect(await within(BOUND_MS, () => put())).toBe('stored');
    expect(await stored()).toBe('mine');
  });

  it.each(passing)('that %s never takes the object of another for its own', async (_, fates) => {
    await another();
    proxy.fate('PUT', ...fates);
    expect(await within(BOUND_MS, () => put())).toBe('exists');
    expect(await stored()).toBe('another');
  });

  it.each(passing.slice(7))('that %s has one winner of ten at once', async (_, fates) => {
    const [fate] = fates;
    proxy.fate('PUT', fate);
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, writer) => put(`writer ${writer}`)));
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect(await stored()).toBe(`writer ${outcomes.indexOf('stored')}`);
  });

  it.each<[string, Fate, RegExp]>([
    ['always answers 500', { status: 500 }, /not known whether .* was stored .* answered 500/],
    ['always answers 503', { status: 503, code: 'SlowDown' }, /not known whether .* answered 503 SlowDown/],
    ['always resets the connection', 'reset', /not known whether .* \(ECONNRESET\)/],
    ['never answers', 'hang', /not known whether .* did not answer in time/],
    [
      'always finds a conflict',
      { status: 409, code: 'ConditionalRequestConflict' },
      /cannot be written: .*409/,
    ],
    ['has another clock', { status: 403, code: 'RequestTimeTooSkewed' }, /cannot be written: the clocks/],
    ['denies access', { status: 403, code: 'AccessDenied' }, /cannot be written: access was denied/],
    [
      'has no conditional writes',
      { status: 501, code: 'NotImplemented' },
      /conditional writes.*choose another/,
    ],
    [
      'answers 503 with a page',
      { status: 503, page: '<!doctype html><p>No & no' },
      /not known .* answered 503/,
    ],
    ['answers 500 with words', { status: 500, page: 'Oh no' }, /not known .* answered 500/],
    ['is no S3', { status: 200, page: '<!doctype html><p>Welcome' }, /not known whether .* is no S3/],
    ['is somewhere else', { status: 404 }, /cannot be written: .* answered 404/],
  ])('that %s says so in bounded time, and has stored nothing', async (_, fate, message) => {
    proxy.fate('PUT', fate);
    await within(BOUND_MS, () => expectUnwritable(put(), message));
    expect(await stored()).toBeUndefined();
    await within(BOUND_MS, () => expectUnwritable(storeAt().probe(signal), /cannot be written/));
  });

  it.each<[string, Fate, RegExp]>([
    ['never answers a question', 'hang', /did not answer in time/],
    ['never ends its answer', 'halt', /did not answer in time/],
    ['answers 500 to every question', { status: 500 }, /answered 500/],
    ['denies every question', { status: 403, code: 'AccessDenied' }, /access was denied/],
  ])('that %s is read in bounded time, and what was not seen is not said', async (_, fate, message) => {
    proxy.fate('GET', fate);
    await within(BOUND_MS, () => expectUnwritable(storeAt().get(KEY, signal), message));
    await within(BOUND_MS, () => expectUnwritable(Array.fromAsync(storeAt().list('', signal)), message));
    proxy.fate('PUT', 'swallow');
    await within(BOUND_MS, () => expectUnwritable(put(), /It is not known whether .* was stored/));
    expect(await stored()).toBe('mine');
  });

  it('that takes no notice of conditions is found out by the probe', async () => {
    const careless = createServer((request, response) => {
      response.setHeader('etag', '"x"');
      response.end(request.method === 'GET' ? '<ListVersionsResult></ListVersionsResult>' : '');
    }).listen(0, '127.0.0.1');
    await once(careless, 'listening');
    const endpoint = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`;
    await expectUnwritable(
      storeAt({ endpoint }).probe(signal),
      /no notice of conditional writes.*overwrites/,
    );
    careless.closeAllConnections();
    careless.close();
  });

  it('stops at once when it is told to, while its server says nothing', async () => {
    proxy.fate('PUT', 'hang');
    const stop = new AbortController();
    const store = storeAt({ timing: { attempt: 60_000, backoff: [] } });
    const putting = store.putOnce(KEY, Buffer.from('x'), stop.signal);
    stop.abort(new Error('stop'));
    await within(2_000, () => expect(putting).rejects.toThrow('stop'));
  });

  it.each<[string, Partial<S3StoreOptions>, RegExp]>([
    [
      'a wrong secret',
      { credentials: async () => ({ ...S3_KEY, secretAccessKey: 'wrong-secret' }) },
      /secret access key is wrong: correct/,
    ],
    [
      'a key that nobody knows',
      { credentials: async () => ({ ...S3_KEY, accessKeyId: 'WRONGTESTKEY' }) },
      /does not know the access key/,
    ],
    ['an absent bucket', { bucket: 'nowhere' }, /no such bucket: create it/],
    ['another region', { region: 'eu-west-3' }, /another region: write its region/],
    ['a port where nothing listens', { endpoint: 'http://127.0.0.1:1' }, /nothing listens at .*: start it/],
    ['a name without an address', { endpoint: 'http://s3.invalid' }, /no address for .*: check/],
  ])('with %s says so, to write, to read and to be probed', async (_, options, message) => {
    const store = storeAt(options);
    await expectUnwritable(store.putOnce(KEY, Buffer.from('x'), signal), message);
    await expectUnwritable(store.get(KEY, signal), message);
    await expectUnwritable(Array.fromAsync(store.list('', signal)), message);
    await expectUnwritable(store.probe(signal), message);
  });

  it('that speaks no TLS where it should, says so', async () => {
    const endpoint = server.endpoint.replace('http:', 'https:');
    await expectUnwritable(storeAt({ endpoint }).probe(signal), /no trusted TLS connection .* correct/);
  });

  it('whose server is killed in the middle loses nothing that it said was stored', async () => {
    const store = storeAt({ endpoint: server.endpoint });
    const keys = Array.from({ length: 60 }, (_, index) => `receipts/shop/${index}`);
    const ends: unknown[] = [];
    for (let start = 0; start < keys.length; start += 10) {
      const puts = keys
        .slice(start, start + 10)
        .map((key) => store.putOnce(key, Buffer.from(key), signal).catch((error: unknown) => error));
      if (start === 20) {
        await Promise.race(puts);
        await server.kill();
      }
      ends.push(...(await Promise.all(puts)));
    }
    await server.restart();
    for (const [index, end] of ends.entries()) {
      const key = keys[index] ?? '';
      if (end === 'stored') expect(Buffer.from(await store.get(key, signal)).toString()).toBe(key);
      else expect(end).toMatchObject({ code: 'evidence_unwritable' });
    }
    expect(ends.slice(0, 20).every((end) => end === 'stored')).toBe(true);
    expect(ends.slice(30).every((end) => end !== 'stored')).toBe(true);
  });

  it('whose server comes back while it tries has stored its object', async () => {
    await server.kill();
    proxy.fate('PUT', 'reset', 'pass');
    const store = storeAt({
      endpoint: server.endpoint,
      timing: { attempt: 5_000, backoff: [200, 2_000, 5_000] },
    });
    const putting = store.putOnce(KEY, Buffer.from('mine'), signal);
    await server.restart();
    expect(await putting).toBe('stored');
    expect(await stored()).toBe('mine');
  });
});

function conflicts(times: number): [Fate, ...Fate[]] {
  const conflict = { status: 409, code: 'ConditionalRequestConflict' } as const;
  return [conflict, ...Array.from({ length: times - 1 }, () => conflict)];
}
