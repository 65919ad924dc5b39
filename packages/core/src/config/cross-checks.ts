import { checkFaults } from './check-faults.js';
import { companionFaults } from './companion-faults.js';
import { type Fault, faultAt, showName } from './fault.js';
import { passwordFaults } from './passwords.js';
import { s3Faults } from './s3-faults.js';
import { namedCheckFaults, scheduleFaults, sourceScheduleFaults } from './schedule-faults.js';
import {
  backupShapeFaults,
  bothFaults,
  checkKinds,
  objectiveFaults,
  referenceFaults,
  sourceFaults,
} from './source-faults.js';
import { takeShapeFaults } from './take-faults.js';
import { at, child, items, stringOf, type YamlTree } from './yaml-tree.js';

/**
 * What holds between the keys of a file, and so in no schema. It reads the tree and not what the schema made of it, so
 * that a file with faults of both sorts is told of both; what it needs and the schema refuses, it passes over.
 */
export function crossFaults(tree: YamlTree, lineOf: (offset: number) => number): Fault[] {
  const kinds = checkKinds(tree);
  const defaults = child(tree, 'defaults');
  return [
    ...duplicates(tree, ['sources'], 'slug', lineOf),
    ...duplicates(tree, ['checks'], 'id', lineOf),
    ...duplicates(tree, ['api', 'tokens'], 'name', lineOf),
    ...items(child(tree, 'checks')).flatMap((check, index) => checkFaults(check, ['checks', index])),
    ...referenceFaults(kinds, child(defaults, 'checks'), ['defaults', 'checks']),
    ...bothFaults(defaults, ['defaults']),
    ...backupShapeFaults(defaults, ['defaults']),
    ...companionFaults(defaults, ['defaults']),
    ...scheduleFaults(defaults, ['defaults']),
    ...namedCheckFaults(kinds, defaults, ['defaults']),
    ...objectiveFaults(defaults, ['defaults']),
    ...takeShapeFaults(defaults, ['defaults']),
    ...items(child(tree, 'sources')).flatMap((source, index) => [
      ...sourceFaults(kinds, source, defaults, ['sources', index]),
      ...sourceScheduleFaults(kinds, source, defaults, ['sources', index]),
    ]),
    ...s3Faults(child(tree, 'evidence'), ['evidence'], { place: 'store', only: ['s3', 'object_lock'] }),
    ...passwordFaults(tree, []),
  ];
}

function duplicates(
  tree: YamlTree,
  list: readonly string[],
  key: string,
  lineOf: (offset: number) => number,
): Fault[] {
  const first = new Map<string, number>();
  return items(at(tree, list)).flatMap((item, index) => {
    const named = child(item, key);
    const name = stringOf(named);
    if (named === undefined || name === undefined) return [];
    const before = first.get(name);
    first.set(name, before ?? named.offset);
    if (before === undefined) return [];
    const message = `the ${key} ${showName(name)} is already that of line ${lineOf(before)}`;
    return [faultAt(named.offset, [...list, index, key], message, 'duplicate')];
  });
}
