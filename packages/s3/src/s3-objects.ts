import { nextPage, type S3Marker } from './s3-page.js';
import type { S3Send } from './s3-requests.js';

/** One object as a list shows it. */
export interface S3Object {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modified: Date;
  /** Absent where the server does not tell. */
  readonly etag: string | undefined;
}

/**
 * The objects under a prefix, page by page, by key ascending; `after`: those whose keys come after it. What is uploaded in
 * parts is there once it is whole.
 */
export async function* listObjects(
  send: S3Send,
  what: { readonly bucket: string; readonly prefix: string; readonly after?: string },
  signal: AbortSignal,
): AsyncGenerator<readonly S3Object[], void, undefined> {
  const first = what.after === undefined ? {} : { StartAfter: what.after };
  let marker: S3Marker | undefined = first;
  while (marker !== undefined) {
    const input = { Bucket: what.bucket, Prefix: what.prefix, ...marker };
    const page = await send(
      (client, sdk, abortSignal) => client.send(new sdk.ListObjectsV2Command(input), { abortSignal }),
      signal,
    );
    yield (page.Contents ?? []).map(({ Key, Size, LastModified, ETag }) => ({
      key: Key ?? '',
      sizeBytes: Size ?? 0,
      modified: LastModified ?? new Date(0),
      etag: ETag,
    }));
    marker = nextPage(page.IsTruncated, { ContinuationToken: page.NextContinuationToken });
  }
}
