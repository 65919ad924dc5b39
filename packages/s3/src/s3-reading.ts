import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { collectingYoung } from './collect-young.js';
import { comparisonWith, type S3Comparison } from './s3-checksum.js';
import { NoS3Answer } from './s3-fault.js';
import type { S3Object } from './s3-objects.js';
import { S3Failure, type S3Send } from './s3-requests.js';

/** Bounds of a reading; milliseconds. */
export interface S3Patience {
  /** How long no byte may come. */
  readonly stall: number;
  /** Waits before a reading that broke off is taken up again; they begin anew with every byte that comes. */
  readonly again: readonly number[];
}

/** An object, as it was when it was listed. */
export interface S3Listed extends Pick<S3Object, 'key' | 'sizeBytes' | 'etag'> {
  readonly bucket: string;
}

/** One reading of an object from its beginning to its end. */
export interface S3Reading {
  /** @throws {@link S3Failure}: `taken` where it is another object by now, `absent` where it is none. */
  readonly bytes: AsyncGenerator<Buffer, void, undefined>;
  /** Once all bytes came: whether they are those that the storage has a checksum of; undefined where it has none of the whole. */
  matches(): Promise<boolean | undefined>;
}

/** Reads an object, and where the connection breaks goes on from the byte that was reached. */
export function readObject(
  send: S3Send,
  object: S3Listed,
  patience: S3Patience,
  signal: AbortSignal,
): S3Reading {
  let comparison: S3Comparison | undefined;
  async function* bytes(): S3Reading['bytes'] {
    comparison = comparisonWith(await lookAt(send, object, signal));
    const read = collectingYoung();
    let broken = 0;
    for (let at = 0; at < object.sizeBytes; ) {
      try {
        for await (const chunk of bodyFrom(send, object, at, patience.stall, signal)) {
          at += chunk.length;
          broken = 0;
          comparison?.update(chunk);
          read(chunk.length);
          yield chunk;
        }
        if (at < object.sizeBytes) throw new Error('the answer ended before its end');
      } catch (error) {
        signal.throwIfAborted();
        const wait = patience.again[broken];
        // The server may be away for a while; what it says of the object is final.
        if (error instanceof S3Failure && (wait === undefined || error.fault.kind !== 'again')) throw error;
        if (wait === undefined) throw brokenOff(at, object.sizeBytes, error);
        broken += 1;
        await delay(wait, undefined, { signal });
      }
    }
  }
  return { bytes: bytes(), matches: async () => comparison?.matches() };
}

/** So many bytes of an object from one place on, or fewer where it ends. */
export async function readPart(
  send: S3Send,
  object: S3Listed,
  from: number,
  length: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const to = Math.min(from + length, object.sizeBytes);
  if (to <= from) return Buffer.alloc(0);
  return await send(async (client, sdk, abortSignal) => {
    const input = { ...named(object), Range: `bytes=${from}-${to - 1}` };
    const { Body } = await client.send(new sdk.GetObjectCommand(input), { abortSignal });
    if (!(Body instanceof Readable)) throw new NoS3Answer();
    const stop = () => Body.destroy();
    abortSignal.addEventListener('abort', stop, { once: true });
    const part = Buffer.concat(await Array.fromAsync(Body as AsyncIterable<Buffer>));
    abortSignal.removeEventListener('abort', stop);
    // A server that knows no ranges answers with all of it.
    if (part.length !== to - from) throw new NoS3Answer();
    return part;
  }, signal);
}

/** What the storage knows of it. */
const lookAt = (send: S3Send, object: S3Listed, signal: AbortSignal) =>
  send(
    (client, sdk, abortSignal) =>
      client.send(new sdk.HeadObjectCommand({ ...named(object), ChecksumMode: 'ENABLED' }), { abortSignal }),
    signal,
  );

async function* bodyFrom(
  send: S3Send,
  object: S3Listed,
  from: number,
  stallMs: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const body = await openBody(send, object, from, signal);
  const stop = () => body.destroy();
  signal.addEventListener('abort', stop, { once: true });
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      // Only while bytes are waited for: whoever reads may take their time.
      const stalled = setTimeout(() => body.destroy(new Error('no byte came for too long')), stallMs);
      const next = await chunks.next().finally(() => clearTimeout(stalled));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    body.destroy();
  }
}

/** The answer is waited for as any other; its body then takes as long as it needs. */
const openBody = (send: S3Send, object: S3Listed, from: number, signal: AbortSignal): Promise<Readable> =>
  send(async (client, sdk, abortSignal) => {
    const answering = new AbortController();
    const stop = () => answering.abort(abortSignal.reason);
    abortSignal.addEventListener('abort', stop, { once: true });
    try {
      const input = { ...named(object), ...(from > 0 && { Range: `bytes=${from}-` }) };
      const answer = await client.send(new sdk.GetObjectCommand(input), { abortSignal: answering.signal });
      if (!(answer.Body instanceof Readable)) throw new NoS3Answer();
      if (from === 0 || answer.ContentRange?.startsWith(`bytes ${from}-`)) return answer.Body;
      answer.Body.destroy();
      throw new NoS3Answer();
    } finally {
      abortSignal.removeEventListener('abort', stop);
    }
  }, signal);

const named = ({ bucket, key, etag }: S3Listed) => ({
  Bucket: bucket,
  Key: key,
  ...(etag !== undefined && { IfMatch: etag }),
});

const brokenOff = (at: number, sizeBytes: number, cause: unknown): S3Failure => {
  const advice = `the connection broke off again and again, at byte ${at} of ${sizeBytes}: see to it`;
  return new S3Failure({ kind: 'again', mayBeDone: false, advice }, cause);
};
