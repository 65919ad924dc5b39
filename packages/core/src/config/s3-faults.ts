import { type Fault, faultAt, type Path } from './fault.js';
import { child, keyOffsetAt, stringOf, type YamlTree } from './yaml-tree.js';

/**
 * What holds between the keys of a part that may lie in S3: settings of S3 beside such a place alone, and both halves of a
 * credential. `place`: the key that says where it lies; `only`: those that need it to be S3.
 */
export function s3Faults(
  part: YamlTree | undefined,
  path: Path,
  { place, only }: { readonly place: string; readonly only: readonly string[] },
): Fault[] {
  if (part?.kind !== 'map') return [];
  return [...misplacedFaults(part, path, place, only), ...halfFaults(child(part, 's3'), [...path, 's3'])];
}

function misplacedFaults(part: YamlTree, path: Path, place: string, only: readonly string[]): Fault[] {
  const there = child(part, place);
  const written = stringOf(there);
  // What is no text is told by the schema, and may have been meant as S3.
  if ((there !== undefined && written === undefined) || /^s3:/i.test(written ?? '')) return [];
  return only
    .filter((key) => child(part, key) !== undefined)
    .map((key) => {
      const message = `${key} is only for a ${place} in S3: write ${place}: s3://BUCKET/PREFIX, or take it out`;
      return faultAt(keyOffsetAt(part, [key]), [...path, key], message);
    });
}

function halfFaults(s3: YamlTree | undefined, path: Path): Fault[] {
  if (s3 === undefined) return [];
  const keys = ['access_key_id', 'secret_access_key'] as const;
  const there = keys.filter((key) => child(s3, key) !== undefined);
  const [one, ...others] = there;
  if (one === undefined || others.length > 0) return [];
  const missing = keys.find((key) => key !== one);
  return [faultAt(keyOffsetAt(s3, [one]), [...path, one], `${one} needs ${missing} beside it`)];
}
