import { nextPage, S3Failure, type S3Marker, type S3Send } from '@muster/s3';

/** One version of an object, by its full key. Without an id where there are no versions to tell apart. */
interface S3Version {
  readonly key: string;
  readonly id: string | undefined;
}

export interface S3Versions {
  /** All versions of the objects under a prefix, by key ascending, then the newest first. Delete markers are none. */
  pages(prefix: string, signal: AbortSignal): AsyncGenerator<readonly S3Version[], void, undefined>;
  /** The version that is the object; undefined where there is none. */
  oldest(key: string, signal: AbortSignal): Promise<S3Version | undefined>;
}

export function createS3Versions(send: S3Send, bucket: string): S3Versions {
  async function* pages(prefix: string, signal: AbortSignal): ReturnType<S3Versions['pages']> {
    const list = lists(send, { Bucket: bucket, Prefix: prefix });
    let read = list.versions;
    let after: S3Marker | undefined;
    do {
      let page: Page;
      try {
        page = await read(after, signal);
      } catch (error) {
        // A server without versions may not even list them.
        const isFirst = after === undefined && read === list.versions;
        if (!isFirst || !(error instanceof S3Failure) || error.fault.kind !== 'unsupported') throw error;
        read = list.objects;
        page = await read(undefined, signal);
      }
      yield page.versions;
      after = page.next;
    } while (after !== undefined);
  }

  return {
    pages,
    async oldest(key, signal) {
      const versions: S3Version[] = [];
      for await (const page of pages(key, signal)) {
        versions.push(...page.filter((version) => version.key === key));
        // Longer keys with this prefix come after it.
        if (page.at(-1)?.key !== key) break;
      }
      const oldest = versions.at(-1);
      const isOnly = versions.length === 1 && oldest?.id === UNVERSIONED;
      return isOnly ? { key, id: undefined } : oldest;
    },
  };
}

/** What was written without versioning has this for its id; servers that know no other refuse to be asked for it. */
const UNVERSIONED = 'null';

interface Page {
  readonly versions: readonly S3Version[];
  readonly next: S3Marker | undefined;
}

type Read = (after: S3Marker | undefined, signal: AbortSignal) => Promise<Page>;

function lists(send: S3Send, what: { Bucket: string; Prefix: string }): Record<'versions' | 'objects', Read> {
  return {
    async versions(after, signal) {
      const page = await send(
        (client, sdk, abortSignal) =>
          client.send(new sdk.ListObjectVersionsCommand({ ...what, ...after }), { abortSignal }),
        signal,
      );
      return {
        versions: (page.Versions ?? []).map(({ Key = '', VersionId }) => ({ key: Key, id: VersionId })),
        next: nextPage(page.IsTruncated, {
          KeyMarker: page.NextKeyMarker,
          VersionIdMarker: page.NextVersionIdMarker,
        }),
      };
    },
    async objects(after, signal) {
      const page = await send(
        (client, sdk, abortSignal) =>
          client.send(new sdk.ListObjectsV2Command({ ...what, ...after }), { abortSignal }),
        signal,
      );
      return {
        versions: (page.Contents ?? []).map(({ Key = '' }) => ({ key: Key, id: undefined })),
        next: nextPage(page.IsTruncated, { ContinuationToken: page.NextContinuationToken }),
      };
    },
  };
}
