import type { Check } from './check.js';
import { type Sha256, sha256 } from './digest.js';
import { canonicalJson } from './jcs.js';

/** `check_sha256` (checks.md): what an auditor can rebuild from the definition of a check. */
export function checkSha256(check: Pick<Check, 'question'>): Sha256 {
  const { question } = check;
  return sha256(question.kind === 'postgres' ? question.summarySql : canonicalFind(question.summaryFind));
}

/** `expect_sha256` (checks.md), over the sentence as written. */
export function expectSha256(expect: string): Sha256 {
  return sha256(expect);
}

/** RFC 8785, but keys are sorted at the top level only: below it their order has meaning to MongoDB. */
export function canonicalFind(find: ReadonlyMap<string, unknown>): string {
  const keys = [...find.keys()].sort();
  return mapping(keys.map((key) => [key, find.get(key)]));
}

function asWritten(value: unknown): string {
  if (value instanceof Map) return mapping([...value]);
  if (Array.isArray(value)) return `[${value.map(asWritten).join(',')}]`;
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) {
    return canonicalJson(value as string | number | boolean | null);
  }
  throw new TypeError('a summary_find holds ordered Maps, arrays and JSON scalars only');
}

function mapping(entries: readonly (readonly [string, unknown])[]): string {
  return `{${entries.map(([key, value]) => `${canonicalJson(key)}:${asWritten(value)}`).join(',')}}`;
}
