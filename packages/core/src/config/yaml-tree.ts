import { type JsonValue, jsonNumber } from '../jcs.js';
import type { Path } from './fault.js';

/** A YAML document as JSON could hold it, with the offset in the text at which each part begins. */
export type YamlTree = YamlScalar | YamlList | YamlMap;

interface YamlScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly offset: number;
}

interface YamlList {
  readonly kind: 'list';
  readonly items: readonly YamlTree[];
  readonly offset: number;
}

export interface YamlMap {
  readonly kind: 'map';
  /** In the order written. */
  readonly entries: ReadonlyMap<string, YamlEntry>;
  readonly offset: number;
}

export interface YamlEntry {
  readonly keyOffset: number;
  readonly value: YamlTree;
}

/** As plain JSON data; integer-like keys move to the front, as they do in every JavaScript object. */
export function plainJson(tree: YamlTree): JsonValue {
  switch (tree.kind) {
    case 'scalar':
      return tree.value;
    case 'list':
      return tree.items.map(plainJson);
    case 'map':
      return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plainJson(value)]));
  }
}

/** As JSON text that keeps the order of keys as written. */
export function jsonText(tree: YamlTree): string {
  switch (tree.kind) {
    case 'scalar':
      return typeof tree.value === 'number' ? jsonNumber(tree.value) : JSON.stringify(tree.value);
    case 'list':
      return `[${tree.items.map(jsonText).join(',')}]`;
    case 'map': {
      const entries = [...tree.entries].map(
        ([key, { value }]) => `${JSON.stringify(key)}:${jsonText(value)}`,
      );
      return `{${entries.join(',')}}`;
    }
  }
}

/** As ordered Maps, arrays and scalars. */
function ordered(tree: YamlTree): unknown {
  switch (tree.kind) {
    case 'scalar':
      return tree.value;
    case 'list':
      return tree.items.map(ordered);
    case 'map':
      return orderedMap(tree);
  }
}

export function orderedMap(map: YamlMap): ReadonlyMap<string, unknown> {
  return new Map([...map.entries].map(([key, { value }]) => [key, ordered(value)]));
}

export function child(tree: YamlTree | undefined, key: string | number): YamlTree | undefined {
  if (typeof key === 'number') return tree?.kind === 'list' ? tree.items[key] : undefined;
  return tree?.kind === 'map' ? tree.entries.get(key)?.value : undefined;
}

export function at(tree: YamlTree | undefined, path: Path): YamlTree | undefined {
  return path.reduce<YamlTree | undefined>((node, key) => child(node, key), tree);
}

/** Items of a list, none of anything else. */
export function items(tree: YamlTree | undefined): readonly YamlTree[] {
  return tree?.kind === 'list' ? tree.items : [];
}

export function stringOf(tree: YamlTree | undefined): string | undefined {
  return tree?.kind === 'scalar' && typeof tree.value === 'string' ? tree.value : undefined;
}

/** Where the part at `path` begins, or the nearest part around it that is there. */
export function offsetAt(tree: YamlTree, path: Path): number {
  const [key, ...rest] = path;
  const next = key === undefined ? undefined : child(tree, key);
  return next === undefined ? tree.offset : offsetAt(next, rest);
}

/** Where the key at the end of `path` stands, or what {@link offsetAt} says. */
export function keyOffsetAt(tree: YamlTree, path: Path): number {
  const parent = at(tree, path.slice(0, -1));
  const key = path.at(-1);
  const entry =
    parent?.kind === 'map' && typeof key === 'string' ? parent.entries.get(key)?.keyOffset : undefined;
  return entry ?? offsetAt(tree, path);
}
