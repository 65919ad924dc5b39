import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { type Fault, type Path, showName } from './fault.js';
import type { YamlEntry, YamlTree } from './yaml-tree.js';

export interface ReadYaml {
  /** Absent where the text is empty, or is not YAML. */
  readonly tree?: YamlTree;
  readonly faults: readonly Fault[];
  /** Line and column, from 1. */
  readonly locate: (offset: number) => { readonly line: number; readonly column: number };
}

const MAX_DEPTH = 100;
/** What aliases may add to a document, in characters: far beyond use, far below a bomb. */
const MAX_ALIAS_COST = 1_000_000;

/** Past the first ones the parser is guessing. */
const MAX_SYNTAX_FAULTS = 20;

const TOO_DEEP = 'the file is nested too deeply';

/**
 * Reads YAML 1.2 (core schema) into what JSON can hold exactly. Faults of the YAML itself end the reading; what JSON
 * cannot hold (duplicate keys, integers beyond 2^53, NaN, tags) is told beside the tree.
 */
export function readYaml(text: string): ReadYaml {
  const lineCounter = new LineCounter();
  const locate = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parse(text, lineCounter);
  if (document === undefined) return { faults: [fault(0, [], TOO_DEEP)], locate };
  const syntax = syntaxFaults(document, (offset) => locate(offset).line);
  const { yaml } = document.directives ?? {};
  if (yaml?.explicit === true && yaml.version !== '1.2') {
    syntax.push(fault(0, [], 'only YAML 1.2 is read: take the %YAML line out'));
  }
  if (syntax.length > 0 || document.contents === null) return { faults: syntax, locate };
  const walk: Walk = { anchors: new Map(), cost: 0, aliasCost: 0, faults: [] };
  const tree = convert(document.contents, [], walk);
  return { tree, faults: walk.faults, locate };
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      version: '1.2',
      intAsBigInt: true,
      prettyErrors: false,
      resolveKnownTags: false,
      uniqueKeys: false,
      lineCounter,
    });
  } catch (error) {
    // The parser recurses: thousands of brackets exhaust its stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** For each line just the first: a second is a consequence of that. */
function syntaxFaults({ errors, warnings }: Document.Parsed, lineOf: (offset: number) => number): Fault[] {
  const exhausted = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  const told = exhausted === undefined ? [...errors, ...warnings].slice(0, MAX_SYNTAX_FAULTS) : [exhausted];
  const lines = told.map(({ pos }) => lineOf(pos[0]));
  return told
    .filter((_, index) => lines.indexOf(lines[index] ?? 0) === index)
    .map(({ pos, code }) => fault(pos[0], [], SYNTAX[code] ?? 'this is not YAML'));
}

interface Walk {
  /** `undefined` while the anchored node itself is still read. */
  readonly anchors: Map<string, { readonly tree: YamlTree; readonly cost: number } | undefined>;
  cost: number;
  aliasCost: number;
  readonly faults: Fault[];
}

function convert(node: Node, path: Path, walk: Walk): YamlTree {
  if (isAlias(node)) return resolveAlias(node.source, offsetOf(node), path, walk);
  const anchor = 'anchor' in node && typeof node.anchor === 'string' ? node.anchor : undefined;
  if (anchor !== undefined) walk.anchors.set(anchor, undefined);
  const before = walk.cost;
  const tree = convertContent(node, path, walk);
  if (anchor !== undefined) walk.anchors.set(anchor, { tree, cost: walk.cost - before });
  return tree;
}

function resolveAlias(name: string, offset: number, path: Path, walk: Walk): YamlTree {
  const target = walk.anchors.get(name);
  const nothing: YamlTree = { kind: 'scalar', value: null, offset };
  if (target === undefined) {
    const message = walk.anchors.has(name)
      ? 'this alias is part of what it stands for'
      : 'there is no such anchor before this alias';
    walk.faults.push(fault(offset, path, message));
    return nothing;
  }
  walk.cost += target.cost;
  walk.aliasCost += target.cost;
  if (walk.aliasCost <= MAX_ALIAS_COST) return target.tree;
  if (walk.aliasCost - target.cost <= MAX_ALIAS_COST) {
    walk.faults.push(fault(offset, path, 'the aliases of this file stand for too much; write it out'));
  }
  return nothing;
}

function convertContent(node: Node, path: Path, walk: Walk): YamlTree {
  const offset = offsetOf(node);
  walk.cost += 1;
  if (path.length > MAX_DEPTH) {
    walk.faults.push(fault(offset, path, TOO_DEEP));
  } else if (isMap(node)) {
    return { kind: 'map', entries: convertEntries(node, path, walk), offset };
  } else if (isSeq(node)) {
    const list = node.items.map((item, index) => convert(item as Node, [...path, index], walk));
    return { kind: 'list', items: list, offset };
  } else if (isScalar(node)) {
    return { kind: 'scalar', value: scalar(node.value, offset, path, walk), offset };
  }
  return { kind: 'scalar', value: null, offset };
}

function convertEntries(map: YAMLMap, path: Path, walk: Walk): ReadonlyMap<string, YamlEntry> {
  const entries = new Map<string, YamlEntry>();
  for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
    const keyOffset = offsetOf(key);
    const name =
      isScalar(key) && key.value !== null ? String(scalar(key.value, keyOffset, path, walk)) : undefined;
    if (name === undefined) {
      walk.faults.push(fault(keyOffset, path, 'expected a plain name as key'));
      continue;
    }
    walk.cost += name.length;
    const here = [...path, name];
    if (entries.has(name)) {
      walk.faults.push({
        offset: keyOffset,
        path: here,
        message: `the key ${showName(name)} stands twice in this mapping`,
        code: 'duplicate',
      });
      continue;
    }
    const tree: YamlTree =
      value === null ? { kind: 'scalar', value: null, offset: keyOffset } : convert(value, here, walk);
    entries.set(name, { keyOffset, value: tree });
  }
  return entries;
}

function scalar(value: unknown, offset: number, path: Path, walk: Walk): string | number | boolean | null {
  if (typeof value === 'string') {
    walk.cost += value.length;
    if (!value.isWellFormed()) walk.faults.push(fault(offset, path, 'half a surrogate pair is no character'));
    return value.toWellFormed();
  }
  if (typeof value === 'bigint') {
    if (value < -(2n ** 53n) || value > 2n ** 53n) {
      walk.faults.push({
        offset,
        path,
        message: 'JSON holds no integer beyond 2^53 exactly; in summary_find write { "$numberLong": "…" }',
        code: 'invalid',
      });
    }
    return Number(value);
  }
  if (typeof value === 'number') {
    // The canonical form knows one zero.
    if (Number.isFinite(value)) return value === 0 ? 0 : value;
    walk.faults.push({ offset, path, message: 'JSON has no NaN and no infinity', code: 'invalid' });
    return null;
  }
  return typeof value === 'boolean' ? value : null;
}

const offsetOf = (node: Node): number => node.range?.[0] ?? 0;

function fault(offset: number, path: Path, message: string): Fault {
  return { offset, path, message, code: 'yaml' };
}

/** The library's own messages may quote the file, and a file may hold what must not be quoted. */
const SYNTAX: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: 'an alias can have no anchor and no tag of its own',
  BAD_ALIAS: 'this alias has no valid name',
  BAD_COLLECTION_TYPE: 'this tag does not fit the value',
  BAD_DIRECTIVE: 'unknown % directive',
  BAD_DQ_ESCAPE:
    'unknown escape in a double-quoted string; use single quotes to have backslashes as they are',
  BAD_INDENT: 'the indentation does not fit the lines around it, or a bracket or brace above is not closed',
  BAD_PROP_ORDER: 'anchors and tags stand after the indicator and before the value',
  BAD_SCALAR_START: 'a plain value cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'this value cannot hold keys: correct the indentation of the next line, or put a value with a colon in quotes',
  BLOCK_IN_FLOW: 'a block cannot stand within [ ] or { }',
  KEY_OVER_1024_CHARS: 'this key is too long',
  MISSING_CHAR:
    'the indentation is wrong here, or a character is missing: a closing quote, bracket or brace, a comma, a colon or a space',
  MULTILINE_IMPLICIT_KEY:
    'a key stands on one line: a colon or a quote may be missing, or the text of a | block is not indented',
  MULTIPLE_ANCHORS: 'a value can have one anchor',
  MULTIPLE_DOCS: 'the file holds more than one document; keep one',
  MULTIPLE_TAGS: 'a value can have one tag',
  RESOURCE_EXHAUSTION: TOO_DEEP,
  TAB_AS_INDENT: 'tabs cannot indent; use spaces',
  TAG_RESOLVE_FAILED: 'tags such as !!binary are not read; write a plain value',
  UNEXPECTED_TOKEN: 'this is not expected here; a quote, a colon or the indentation may be wrong',
};
