import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createS3TakePlace } from '@muster/backups';
import { isMusterError } from '@muster/core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { canServeS3, S3_KEY, type S3Server, s3Server } from '../support/s3-server.ts';
import { never } from '../support/server-bench.ts';

const BUCKET = 'back-ups';
const QUICK = { timing: { attempt: 2_000, backoff: [10, 20] }, stall: 2_000, again: [] };
const owner = (worker: string) => ({
  takeId: `tak_01JD000000000000000000000${worker.toUpperCase()}`,
  worker,
});

describe.runIf(canServeS3())('a place of object storage that one take has', () => {
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await s3Server({ versions: false });
    await s3.makeBucket(BUCKET);
  });
  afterAll(() => s3?.close());
  const placeAt = (prefix: string) =>
    createS3TakePlace({
      bucket: BUCKET,
      prefix,
      connection: { endpoint: s3.endpoint, credentials: async () => S3_KEY },
      liveness: (worker) => (worker === 'a' ? 'dead' : 'alive'),
      bounds: QUICK,
    });

  it('is had by one alone of many who find that it died', async () => {
    for (let round = 0; round < 5; round += 1) {
      const place = placeAt(`many-${round}`);
      await place.hold('shop', owner('a'), never());
      const tried = async (one: string): Promise<boolean> => {
        for (let tries = 0; tries < 5; tries += 1) {
          if (await place.hold('shop', owner(one), never())) return true;
          await place.sweep(never());
        }
        return false;
      };
      const had = await Promise.all(['b', 'c', 'd'].map(tried));
      expect(had.filter(Boolean)).toHaveLength(1);
    }
  });

  it('is not given away by who was swept while it stood still', async () => {
    const place = placeAt('still');
    const late = await place.hold('shop', owner('a'), never());
    expect(await place.sweep(never())).toEqual(['.shop.muster-take']);
    const held = await place.hold('shop', owner('b'), never());
    await late?.close();
    expect(await place.hold('shop', owner('c'), never())).toBeUndefined();
    await held?.close();
    expect(await place.names(never())).toEqual([]);
  });

  it('is renewed by who has it, and who was swept is told so', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const place = placeAt('renewed');
    const late = await place.hold('shop', owner('a'), never());
    await place.sweep(never());
    const held = await place.hold('shop', owner('b'), never());
    vi.advanceTimersByTime(4 * 60_000);
    await vi.waitFor(() => expect(late?.lost.reason).toMatchObject({ code: 'lease_lost' }));
    expect(held?.lost.aborted).toBe(false);
    await held?.close();
    expect(await place.names(never())).toEqual([]);
  });

  it('is told by its path where somebody else has put something there', async () => {
    const Key = 'odd/.shop.muster-take';
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'mine' }));
    const refused = placeAt('odd').hold('shop', owner('b'), never());
    await expect(refused).rejects.toSatisfy(
      (error) =>
        isMusterError(error, 'take_unwritable') && error.message.startsWith(`s3://${BUCKET}/${Key} has`),
    );
  });
});
