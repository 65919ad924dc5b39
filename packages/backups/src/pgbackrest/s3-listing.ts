import { listObjects, type S3Object } from '@muster/s3';
import { reading, type S3Place } from '../s3-place.js';

/** The objects whose paths in a repository begin so; `after`: those behind that path. */
export async function objectsBelow(
  place: S3Place,
  path: string,
  signal: AbortSignal,
  { after, isWanted = () => true }: ObjectsWanted = {},
): Promise<readonly S3Object[]> {
  const { bucket, root, send } = place;
  const what = {
    bucket,
    prefix: `${root}${path}`,
    ...(after !== undefined && { after: `${root}${after}` }),
  };
  return await reading(`${place.location}/${path}`, async () => {
    const wanted: S3Object[] = [];
    for await (const page of listObjects(send, what, signal))
      wanted.push(...page.filter(({ key }) => !key.endsWith('/') && isWanted(key.slice(root.length))));
    return wanted;
  });
}

interface ObjectsWanted {
  readonly after?: string;
  /** By their paths in the repository. */
  readonly isWanted?: (path: string) => boolean;
}

/** An object and its copy, those of both that are there, as pgBackRest looks for them. */
export function objectsWithCopy(
  place: S3Place,
  path: string,
  signal: AbortSignal,
): Promise<readonly S3Object[]> {
  const both = [path, `${path}.copy`];
  // By key ascending, the copy is the second.
  return objectsBelow(place, path, signal, { isWanted: (one) => both.includes(one) });
}
