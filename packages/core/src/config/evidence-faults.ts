import { type Fault, faultAt, type Path } from './fault.js';
import { child, keyOffsetAt, stringOf, type YamlTree } from './yaml-tree.js';

/** What holds between the keys of `evidence`: settings of S3 beside such a store alone, and both halves of a credential. */
export function evidenceFaults(evidence: YamlTree | undefined, path: Path): Fault[] {
  if (evidence?.kind !== 'map') return [];
  return [...misplacedFaults(evidence, path), ...halfFaults(child(evidence, 's3'), [...path, 's3'])];
}

function misplacedFaults(evidence: YamlTree, path: Path): Fault[] {
  const store = child(evidence, 'store');
  const written = stringOf(store);
  // What is no text is told by the schema, and may have been meant as S3.
  if ((store !== undefined && written === undefined) || /^s3:/i.test(written ?? '')) return [];
  return ['s3', 'object_lock']
    .filter((key) => child(evidence, key) !== undefined)
    .map((key) => {
      const message = `${key} is only for a store in S3: write store: s3://BUCKET/PREFIX, or take it out`;
      return faultAt(keyOffsetAt(evidence, [key]), [...path, key], message);
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
