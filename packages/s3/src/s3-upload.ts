import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Failure, type S3Send } from './s3-requests.js';
import { abortUpload, headObject } from './s3-write.js';

/** An object that is uploaded in parts: it is there once it is completed, and then whole. */
export interface S3Upload {
  /** All bytes, once. What is not yet sent is held in memory: four parts at the most. @throws what `bytes` throws. */
  write(
    bytes: AsyncIterable<Uint8Array>,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<{ readonly sha256: string; readonly sizeBytes: number }>;
  /**
   * Makes it an object, never over another one; the storage compares it with the checksum of all that was sent.
   * @throws an {@link S3Failure}, `taken` where there is an object of that name.
   */
  complete(signal: AbortSignal): Promise<void>;
  /** Idempotent. Does not undo {@link complete}. */
  abort(signal: AbortSignal): Promise<void>;
}

export interface S3UploadOptions {
  readonly bucket: string;
  readonly key: string;
  /** Told with the object: names it as this upload's own. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of each part but the last. */
  readonly partBytes: number;
}

/** Of S3. */
const MOST_PARTS = 10_000;
const LANES = 3;

interface Part {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
  readonly ChecksumCRC32: string;
}

/** @param send - whose tries may take as long as a part takes to be sent. */
export async function beginUpload(
  send: S3Send,
  { bucket, key, metadata, partBytes }: S3UploadOptions,
  signal: AbortSignal,
): Promise<S3Upload> {
  const named = { Bucket: bucket, Key: key };
  const UploadId = await send(async (client, sdk, abortSignal) => {
    const input = { ...named, Metadata: metadata, ...CHECKED, ContentType: 'application/octet-stream' };
    const answer = await client.send(new sdk.CreateMultipartUploadCommand(input), { abortSignal });
    return answer.UploadId;
  }, signal);
  const parts: Part[] = [];
  let whole = 0;
  let sizeBytes = 0;
  let over = false;

  const sendPart = (PartNumber: number, body: Buffer, stop: AbortSignal): Promise<void> =>
    send(async (client, sdk, abortSignal) => {
      const ChecksumCRC32 = encoded(crc32(body));
      const input = { ...named, UploadId, PartNumber, Body: body, ChecksumCRC32 };
      const { ETag } = await client.send(new sdk.UploadPartCommand(input), { abortSignal });
      parts.push({ PartNumber, ETag, ChecksumCRC32 });
    }, stop);

  return {
    async write(bytes, onBytes, stop) {
      const hash = createHash('sha256');
      const sending = new Set<Promise<void>>();
      const failed = new AbortController();
      const both = AbortSignal.any([stop, failed.signal]);
      let number = 0;
      const put = async (body: Buffer): Promise<void> => {
        if (number === MOST_PARTS) throw tooLarge(partBytes);
        number += 1;
        const part = sendPart(number, body, both).catch((error: unknown) => failed.abort(error));
        sending.add(part);
        void part.finally(() => sending.delete(part));
        if (sending.size >= LANES) await Promise.race(sending);
        both.throwIfAborted();
      };
      try {
        for await (const body of inParts(bytes, partBytes)) {
          hash.update(body);
          whole = crc32(body, whole);
          sizeBytes += body.length;
          await put(body);
          onBytes(sizeBytes);
        }
        await Promise.all(sending);
        both.throwIfAborted();
      } finally {
        failed.abort();
        await Promise.all(sending);
      }
      return { sha256: hash.digest('hex'), sizeBytes };
    },
    async complete(stop) {
      const input = {
        ...named,
        ...{ UploadId, IfNoneMatch: '*', MpuObjectSize: sizeBytes },
        ...{ ChecksumCRC32: encoded(whole), ChecksumType: CHECKED.ChecksumType },
        MultipartUpload: { Parts: parts.toSorted((a, b) => a.PartNumber - b.PartNumber) },
      };
      try {
        await send(
          (client, sdk, abortSignal) =>
            client.send(new sdk.CompleteMultipartUploadCommand(input), { abortSignal }),
          stop,
        );
      } catch (error) {
        // An answer may have been lost, and the next try then finds no upload, or the object.
        if (!(error instanceof S3Failure) || !(await isOurs(stop))) throw error;
      }
      over = true;
    },
    async abort(stop) {
      if (over) return;
      over = true;
      await abortUpload(send, { bucket, key, uploadId: UploadId ?? '' }, stop);
    },
  };

  async function isOurs(stop: AbortSignal): Promise<boolean> {
    const there = await headObject(send, { bucket, key }, stop).catch(() => undefined);
    return (
      there?.sizeBytes === sizeBytes &&
      Object.entries(metadata).every(([name, value]) => there.metadata[name] === value)
    );
  }
}

/** The storage keeps the checksum of the whole, so that every later reader can compare with it. */
const CHECKED = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;

function encoded(sum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum);
  return bytes.toString('base64');
}

/** At least one, which may be empty. */
async function* inParts(bytes: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Buffer> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  let yielded = false;
  for await (const chunk of bytes) {
    let rest = chunk;
    while (held + rest.length >= partBytes) {
      const room = partBytes - held;
      yield Buffer.concat([...pieces, rest.subarray(0, room)]);
      yielded = true;
      rest = rest.subarray(room);
      pieces = [];
      held = 0;
    }
    if (rest.length > 0) pieces.push(rest);
    held += rest.length;
  }
  if (held > 0 || !yielded) yield Buffer.concat(pieces);
}

const tooLarge = (partBytes: number): S3Failure =>
  new S3Failure(
    {
      kind: 'refused',
      mayBeDone: false,
      advice: `it is larger than ${MOST_PARTS} parts of ${partBytes} bytes, which was more than enough for all of its source`,
    },
    undefined,
  );
