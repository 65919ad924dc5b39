import { S3Failure } from './s3-requests.js';

/** Where a list goes on; undefined where it is at its end. */
export type S3Marker = Readonly<Record<string, string>>;

/** Those that are there: S3 refuses an empty one. A list that goes on and does not say where is no list. */
export function nextPage(
  isTruncated: boolean | undefined,
  named: Readonly<Record<string, string | undefined>>,
): S3Marker | undefined {
  if (!isTruncated) return undefined;
  const there = Object.entries(named).filter((entry): entry is [string, string] => Boolean(entry[1]));
  if (there.length > 0) return Object.fromEntries(there);
  const advice = 'the server lists objects without saying where its list goes on: choose another';
  throw new S3Failure({ kind: 'refused', mayBeDone: false, advice }, undefined);
}
