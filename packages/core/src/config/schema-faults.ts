import { z } from 'zod';
import { type Fault, type Path, showName, suggest } from './fault.js';
import { type IssueDetails, NOT_YET } from './scalars.js';
import { configSchema } from './schema.js';
import { at, keyOffsetAt, offsetAt, stringOf, type YamlTree } from './yaml-tree.js';

type Issue = z.core.$ZodIssue;

/** What the schema finds wrong, in words for people and with places in the file. */
export function schemaFaults(issues: readonly Issue[], tree: YamlTree, source: string): Fault[] {
  return issues.flatMap((issue) => toFaults(issue, tree, source));
}

function toFaults(issue: Issue, tree: YamlTree, source: string): Fault[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(tree, path, key));
  const value = at(tree, path);
  const name = String(path.at(-1) ?? 'the file');
  const offset = offsetAt(tree, path);
  if (issue.code === 'invalid_type' && issue.expected === 'never') {
    const message = `${showName(name)} ${NOT_YET}`;
    return [{ offset: keyOffsetAt(tree, path), path, message, code: 'not_supported_yet' }];
  }
  if (value === undefined) return [{ offset, path, message: `${name} is missing`, code: 'invalid' }];
  if (value.kind === 'scalar' && value.value === null && issue.code.startsWith('invalid_')) {
    return [{ offset, path, message: `${showName(name)} has no value`, code: 'invalid' }];
  }
  if (issue.code === 'custom') return [customFault(issue, path, value, source)];
  return [{ offset, path, message: expected(issue, value), code: 'invalid' }];
}

function customFault(issue: z.core.$ZodIssueCustom, path: Path, value: YamlTree, source: string): Fault {
  const details: IssueDetails = issue.params ?? {};
  const code = details.code ?? 'invalid';
  const offset = offsetWithin(value, details.offset ?? 0, source);
  const subject = code === 'not_supported_yet' ? `${showName(String(path.at(-1)))}: ` : '';
  return { offset, path, message: `${subject}${issue.message}`, code };
}

/** A place within a string of the file, if up to there it stands in the file as it is; else where it begins. */
function offsetWithin(value: YamlTree, offset: number, source: string): number {
  const before = stringOf(value)?.slice(0, offset);
  for (const lead of [0, 1]) {
    const start = value.offset + lead;
    const quoted = lead === 0 || /["']/.test(source.charAt(value.offset));
    if (before !== undefined && quoted && source.startsWith(before, start) && offset > 0)
      return start + offset;
  }
  return value.offset;
}

function expected(issue: Issue, value: YamlTree): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeName(issue.expected)}`;
    case 'invalid_value': {
      const words = issue.values.map(String);
      const written = stringOf(value);
      return `expected ${words.join(' or ')}.${written === undefined ? '' : suggest(written, words)}`;
    }
    case 'too_big':
      return issue.origin === 'string'
        ? `expected ${issue.maximum} characters at most`
        : `expected ${issue.maximum} at most`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? 'expected a number above 0'
        : issue.message;
    default:
      return issue.message;
  }
}

function typeName(type: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'text (put numbers and words such as true in quotes)',
    int: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping',
    record: 'a mapping',
  };
  return names[type] ?? type;
}

function unknownKey(tree: YamlTree, parent: Path, key: string): Fault {
  const path = [...parent, key];
  const known = keysAt(parent);
  const holder = emptySiblings(tree, parent).find((sibling) => keysAt([...parent, sibling]).includes(key));
  if (holder !== undefined) {
    const message = `${showName(key)} belongs to ${holder}: indent it further than ${holder}`;
    return { offset: keyOffsetAt(tree, path), path, message, code: 'unknown_key' };
  }
  const hint = suggest(key, known) || ` There are ${known.join(', ')}.`;
  const message = `unknown key ${showName(key)}.${hint}`;
  return { offset: keyOffsetAt(tree, path), path, message, code: 'unknown_key' };
}

/** Keys without a value: what was meant for them may stand beside them. */
function emptySiblings(tree: YamlTree, parent: Path): string[] {
  const map = at(tree, parent);
  if (map?.kind !== 'map') return [];
  return [...map.entries].flatMap(([name, { value }]) =>
    value.kind === 'scalar' && value.value === null ? [name] : [],
  );
}

/** The keys that the schema knows at a path. */
function keysAt(path: Path): readonly string[] {
  let schema: unknown = configSchema;
  for (const part of path) {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodArray) schema = inner.element;
    else if (inner instanceof z.ZodObject) schema = inner.shape[part];
  }
  const last = unwrap(schema);
  return last instanceof z.ZodObject ? Object.keys(last.shape) : [];
}

function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodExactOptional ? unwrap(schema.unwrap()) : schema;
}
