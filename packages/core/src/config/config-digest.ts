import { canonicalFind } from '../check-hash.js';
import { type Sha256, sha256 } from '../digest.js';
import { canonicalJson } from '../jcs.js';
import type { Path } from './fault.js';
import { orderedMap, type YamlTree } from './yaml-tree.js';

/**
 * `config_sha256`: over the JCS form of the document, but that a `summary_find` is in the form that `check_sha256` is
 * over. Two files that ask MongoDB different things never have one digest, also where only the order of keys differs.
 */
export function configSha256(document: YamlTree): Sha256 {
  return sha256(canonical(document, []));
}

function canonical(tree: YamlTree, path: Path): string {
  if (tree.kind === 'scalar') return canonicalJson(tree.value);
  if (tree.kind === 'list') {
    return `[${tree.items.map((item, index) => canonical(item, [...path, index])).join(',')}]`;
  }
  if (isFind(path)) return canonicalFind(orderedMap(tree));
  const entries = [...tree.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  const members = entries.map(
    ([key, { value }]) => `${canonicalJson(key)}:${canonical(value, [...path, key])}`,
  );
  return `{${members.join(',')}}`;
}

const isFind = ([list, index, key, ...deeper]: Path): boolean =>
  list === 'checks' && typeof index === 'number' && key === 'summary_find' && deeper.length === 0;
