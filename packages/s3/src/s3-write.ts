import { nextPage, type S3Marker } from './s3-page.js';
import { S3Failure, type S3Send } from './s3-requests.js';

/** One object. */
interface Named {
  readonly bucket: string;
  readonly key: string;
}

/** Undefined where there is none. */
export async function headObject(
  send: S3Send,
  { bucket, key }: Named,
  signal: AbortSignal,
): Promise<
  | {
      readonly sizeBytes: number;
      readonly modified: Date;
      /** Absent where the server does not tell. */
      readonly etag: string | undefined;
      readonly metadata: Readonly<Record<string, string>>;
    }
  | undefined
> {
  try {
    const input = { Bucket: bucket, Key: key };
    const { ContentLength, LastModified, ETag, Metadata } = await send(
      (client, sdk, abortSignal) => client.send(new sdk.HeadObjectCommand(input), { abortSignal }),
      signal,
    );
    return {
      sizeBytes: ContentLength ?? 0,
      modified: LastModified ?? new Date(0),
      etag: ETag,
      metadata: Metadata ?? {},
    };
  } catch (error) {
    if (error instanceof S3Failure && error.fault.kind === 'absent') return undefined;
    throw error;
  }
}

/**
 * A small object; `once`: never over another one; `over`: only over the one of that ETag, where the server compares.
 * @throws an {@link S3Failure}, `taken` where there is another.
 */
export async function putObject(
  send: S3Send,
  {
    bucket,
    key,
    bytes,
    once,
    over,
  }: Named & { readonly bytes: Uint8Array; readonly once: boolean; readonly over?: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const input = {
    ...{ Bucket: bucket, Key: key, Body: bytes, ContentType: 'application/json' },
    ...(once && { IfNoneMatch: '*' }),
    ...(over !== undefined && { IfMatch: over }),
  };
  await send(
    (client, sdk, abortSignal) => client.send(new sdk.PutObjectCommand(input), { abortSignal }),
    signal,
  );
}

/**
 * Idempotent. `etag`: only the object of that, where the server compares.
 * @throws an {@link S3Failure}; with an `etag` `taken` where it is another by now, and `absent`.
 */
export async function deleteObject(
  send: S3Send,
  { bucket, key, etag }: Named & { readonly etag?: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const input = { Bucket: bucket, Key: key, ...(etag !== undefined && { IfMatch: etag }) };
  await send(
    (client, sdk, abortSignal) => client.send(new sdk.DeleteObjectCommand(input), { abortSignal }),
    signal,
  );
}

/** The ids of the uploads of exactly this key that are neither complete nor aborted. */
export async function uploadsOf(
  send: S3Send,
  { bucket, key }: Named,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let marker: S3Marker | undefined = {}; marker !== undefined; ) {
    const input = { Bucket: bucket, Prefix: key, ...marker };
    const page = await send(
      (client, sdk, abortSignal) => client.send(new sdk.ListMultipartUploadsCommand(input), { abortSignal }),
      signal,
    );
    for (const upload of page.Uploads ?? [])
      if (upload.Key === key && upload.UploadId !== undefined) found.push(upload.UploadId);
    marker = nextPage(page.IsTruncated, {
      KeyMarker: page.NextKeyMarker,
      UploadIdMarker: page.NextUploadIdMarker,
    });
  }
  return found;
}

/** Idempotent. */
export async function abortUpload(
  send: S3Send,
  { bucket, key, uploadId }: Named & { readonly uploadId: string },
  signal: AbortSignal,
): Promise<void> {
  const input = { Bucket: bucket, Key: key, UploadId: uploadId };
  await send(
    (client, sdk, abortSignal) => client.send(new sdk.AbortMultipartUploadCommand(input), { abortSignal }),
    signal,
  ).catch((error: unknown) => {
    if (!(error instanceof S3Failure && error.fault.kind === 'absent')) throw error;
  });
}
