import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { canonicalFind, checkSha256 } from '../check-hash.js';
import { sha256 } from '../digest.js';
import { describeConfig } from './describe-config.js';
import { parseConfig } from './parse-config.js';

interface Vector {
  readonly name: string;
  /** As in a configuration file. */
  readonly summary_find: string;
  readonly canonical: string;
  readonly check_sha256: string;
}

const file = new URL('../../../../docs/check-vectors.json', import.meta.url);
const VECTORS = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[];

const load = (find: string) => {
  const text = `
sources: [{ slug: m, kind: mongodb, backup: { type: dump, location: d }, checks: [c] }]
checks: [{ id: c, summary_find: ${find}, expect: n == 1 }]`;
  const parsed = parseConfig(text, { file: 'muster.yaml', baseDirectory: '/etc' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed;
};

const questionOf = ({ config }: ReturnType<typeof load>) => {
  const [check] = config.checks;
  if (check?.question.kind !== 'mongodb') throw new Error('it asks MongoDB');
  return check.question;
};

it.each(VECTORS)('the hash of a check: $name', ({ summary_find, canonical, check_sha256 }) => {
  const question = questionOf(load(summary_find));
  expect(canonicalFind(question.summaryFind)).toBe(canonical);
  expect(checkSha256({ question })).toBe(check_sha256);
  expect(sha256(canonical)).toBe(check_sha256);
});

it.each(VECTORS)('a configuration travels as it is: $name', ({ summary_find, check_sha256 }) => {
  const parsed = load(summary_find);
  const again = parseConfig(parsed.document, { file: 'muster.yaml', baseDirectory: '/etc' });
  expect(again).toEqual(parsed);
  if (!again.ok) throw new Error('it has no faults');
  expect(checkSha256({ question: questionOf(again) })).toBe(check_sha256);
  const [described] = describeConfig(parsed.config)['checks'] as { summary_find: Map<string, unknown> }[];
  expect(
    checkSha256({ question: { kind: 'mongodb', summaryFind: described?.summary_find ?? new Map() } }),
  ).toBe(check_sha256);
});

it('two configurations have two digests where they ask in another order', () => {
  const sorted = (sort: string) =>
    load(`{ database: d, collection: c, aggregate: [{ $sort: ${sort} }] }`).config.configSha256;
  expect(sorted('{ a: 1, b: 1 }')).not.toBe(sorted('{ b: 1, a: 1 }'));
  expect(load('{ database: d, list_collections: true }').config.configSha256).toBe(
    load('{ list_collections: true, database: d }').config.configSha256,
  );
});
