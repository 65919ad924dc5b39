import { type Fault, type Path, showName, suggest } from './fault.js';
import { child, items, keyOffsetAt, offsetAt, stringOf, type YamlTree } from './yaml-tree.js';

/**
 * What holds between the keys of a file, and so in no schema. It reads the tree and not what the schema made of it, so
 * that a file with faults of both sorts is told of both; what it needs and the schema refuses, it passes over.
 */
export function crossFaults(tree: YamlTree, lineOf: (offset: number) => number): Fault[] {
  return [
    ...duplicates(tree, 'sources', 'slug', lineOf),
    ...duplicates(tree, 'checks', 'id', lineOf),
    ...items(child(tree, 'checks')).flatMap((check, index) => checkFaults(check, ['checks', index])),
    ...references(tree, child(tree, 'defaults'), ['defaults', 'checks']),
    ...items(child(tree, 'sources')).flatMap((_, index) => sourceFaults(tree, index)),
    ...passwords(tree, []),
  ];
}

function fault(offset: number, path: Path, message: string, code: Fault['code'] = 'invalid'): Fault {
  return { offset, path, message, code };
}

function duplicates(tree: YamlTree, list: string, key: string, lineOf: (offset: number) => number): Fault[] {
  const first = new Map<string, number>();
  return items(child(tree, list)).flatMap((item, index) => {
    const named = child(item, key);
    const name = stringOf(named);
    if (named === undefined || name === undefined) return [];
    const before = first.get(name);
    first.set(name, before ?? named.offset);
    if (before === undefined) return [];
    const message = `the ${key} ${showName(name)} is already that of line ${lineOf(before)}`;
    return [fault(named.offset, [list, index, key], message, 'duplicate')];
  });
}

function checkFaults(check: YamlTree, path: Path): Fault[] {
  if (check.kind !== 'map') return [];
  const sql = check.entries.get('summary_sql');
  const find = check.entries.get('summary_find');
  if (sql !== undefined && find !== undefined) {
    return [
      fault(
        find.keyOffset,
        [...path, 'summary_find'],
        'a check has summary_sql or summary_find, and not both',
      ),
    ];
  }
  if (find !== undefined) return findFaults(check, find.value, [...path, 'summary_find']);
  if (sql !== undefined) return columnFaults(check, path);
  return [fault(check.offset, path, 'a check needs summary_sql (PostgreSQL) or summary_find (MongoDB)')];
}

function findFaults(check: YamlTree, find: YamlTree, path: Path): Fault[] {
  const faults: Fault[] = [];
  if (child(check, 'database') !== undefined) {
    const here = [...path.slice(0, -1), 'database'];
    const message = 'the database of a summary_find stands within it';
    faults.push(fault(keyOffsetAt(check, ['database']), here, message));
  }
  if (find.kind !== 'map') return faults;
  const refuse = (key: string, message: string) =>
    faults.push(fault(find.entries.get(key)?.keyOffset ?? find.offset, [...path, key], message));
  const has = (key: string) => find.entries.has(key);
  if (has('list_collections')) {
    for (const key of ['collection', 'filter', 'aggregate'].filter(has)) {
      refuse(key, `${key} and list_collections exclude each other`);
    }
  } else if (has('filter') && has('aggregate')) {
    refuse('aggregate', 'filter and aggregate exclude each other');
  } else if (!has('filter') && !has('aggregate')) {
    const message = 'summary_find needs a filter, an aggregate, or list_collections: true';
    faults.push(fault(find.offset, path, message));
  } else if (!has('collection')) {
    refuse('collection', 'collection is missing');
  }
  return faults;
}

/** A dot is a path in documents; in SQL it is nearly always a table's name that the row does not have. */
function columnFaults(check: YamlTree, path: Path): Fault[] {
  const expect = child(check, 'expect');
  const dotted = /^\s*[\p{L}_][\p{L}\p{M}\p{N}_$]*\./u.test(stringOf(expect) ?? '');
  if (expect === undefined || !dotted) return [];
  const message =
    'a column of a summary_sql row has no dot: name it in the query (AS n), or put its name in double quotes';
  return [fault(expect.offset, [...path, 'expect'], message, 'expect')];
}

/** Ids in a list of checks: each there, and named once. */
function references(tree: YamlTree, holder: YamlTree | undefined, path: Path): Fault[] {
  const declared = child(tree, 'checks');
  // A list that is no list is told by the schema; that all ids are unknown would add nothing.
  const known = declared === undefined || declared.kind === 'list' ? checkKinds(tree) : undefined;
  const seen = new Set<string>();
  return items(child(holder, 'checks')).flatMap((item, index) => {
    const id = stringOf(item);
    if (id === undefined) return [];
    const here = [...path, index];
    if (seen.has(id))
      return [fault(item.offset, here, `the check ${showName(id)} is named twice`, 'duplicate')];
    seen.add(id);
    if (known === undefined || known.has(id)) return [];
    const message = `there is no check ${showName(id)}.${suggest(id, [...known.keys()])}`;
    return [fault(item.offset, here, message, 'reference')];
  });
}

/** For each check that has a single question, the kind of source it is for. */
function checkKinds(tree: YamlTree): ReadonlyMap<string, 'postgres' | 'mongodb' | undefined> {
  const kinds = new Map<string, 'postgres' | 'mongodb' | undefined>();
  for (const check of items(child(tree, 'checks'))) {
    const id = stringOf(child(check, 'id'));
    const sql = child(check, 'summary_sql') !== undefined;
    const find = child(check, 'summary_find') !== undefined;
    if (id !== undefined) kinds.set(id, sql === find ? undefined : sql ? 'postgres' : 'mongodb');
  }
  return kinds;
}

function sourceFaults(tree: YamlTree, index: number): Fault[] {
  const path = ['sources', index];
  const source = child(child(tree, 'sources'), index);
  if (source?.kind !== 'map') return [];
  const defaults = child(tree, 'defaults');
  const inForce = (key: string) => child(source, key) ?? child(defaults, key);
  const kind = stringOf(inForce('kind'));
  const faults = references(tree, source, [...path, 'checks']);
  if (inForce('kind') === undefined) faults.push(fault(source.offset, [...path, 'kind'], 'kind is missing'));
  faults.push(...wrongKinds(tree, source, kind, path));
  faults.push(...questions(source, defaults, path));
  faults.push(...backupFaults(source, inForce, path));
  return faults;
}

function wrongKinds(tree: YamlTree, source: YamlTree, kind: string | undefined, path: Path): Fault[] {
  const kinds = checkKinds(tree);
  const own = child(source, 'checks');
  const named = own ?? child(child(tree, 'defaults'), 'checks');
  return items(named).flatMap((item, index) => {
    const id = stringOf(item) ?? '';
    const wanted = kinds.get(id);
    if (wanted === undefined || kind === undefined || !isKind(kind) || wanted === kind) return [];
    const question = wanted === 'postgres' ? 'summary_sql' : 'summary_find';
    const message = `the check ${showName(id)} has a ${question}, which a source of kind ${kind} cannot be asked`;
    // A check out of `defaults` does not fit this source: the source is where that can be mended.
    const offset = own === undefined ? source.offset : item.offset;
    return [fault(offset, [...path, 'checks', index], message, 'reference')];
  });
}

const isKind = (kind: string): boolean => kind === 'postgres' || kind === 'mongodb';

/** A source has checks or `restore_only: true`; what it says itself wins over `defaults`. */
function questions(source: YamlTree, defaults: YamlTree | undefined, path: Path): Fault[] {
  const own = asksFor(source);
  if (own.checks && own.restoreOnly) {
    return [
      fault(
        keyOffsetAt(source, ['restore_only']),
        [...path, 'restore_only'],
        'restore_only and checks exclude each other',
      ),
    ];
  }
  const inherited = asksFor(defaults);
  if (own.checks || own.restoreOnly) return [];
  const checks = inherited.checks && child(source, 'checks') === undefined;
  const restoreOnly = inherited.restoreOnly && child(source, 'restore_only') === undefined;
  if (checks || restoreOnly) return [];
  const offset = keyOffsetAt(source, ['checks']);
  const message = 'a source needs checks; if it is enough that its backup restores, write restore_only: true';
  return [fault(offset, [...path, 'checks'], message)];
}

function asksFor(tree: YamlTree | undefined): { readonly checks: boolean; readonly restoreOnly: boolean } {
  const checks = child(tree, 'checks');
  const restoreOnly = child(tree, 'restore_only');
  return {
    // What is no list is told by the schema, and was meant as checks.
    checks: checks !== undefined && (checks.kind !== 'list' || checks.items.length > 0),
    restoreOnly: restoreOnly?.kind === 'scalar' && restoreOnly.value === true,
  };
}

function backupFaults(source: YamlTree, inForce: (key: string) => YamlTree | undefined, path: Path): Fault[] {
  const backup = inForce('backup');
  const type = backup === undefined ? 'live' : stringOf(child(backup, 'type'));
  if (type === 'live' && inForce('connection') === undefined) {
    const message =
      backup === undefined
        ? 'a source needs a backup (where its dumps are), or a connection (to take a dump from)'
        : 'a live dump needs a connection';
    return [fault(offsetAt(source, ['backup']), [...path, 'backup'], message)];
  }
  // What `defaults` say wrong about a backup is told there by the schema, and once.
  const own = child(source, 'backup');
  if (own === undefined) return [];
  if (type === 'dump' && child(own, 'location') === undefined) {
    return [fault(own.offset, [...path, 'backup'], 'location is missing: the directory of the dumps')];
  }
  if (type !== 'live') return [];
  return ['location', 'match']
    .filter((key) => child(own, key) !== undefined)
    .map((key) =>
      fault(keyOffsetAt(own, [key]), [...path, 'backup', key], `a live dump has no ${key}; use type: dump`),
    );
}

/** Passwords in URIs, wherever they are but in the questions themselves. They are never echoed. */
function passwords(tree: YamlTree, path: Path): Fault[] {
  if (tree.kind === 'list') return tree.items.flatMap((item, index) => passwords(item, [...path, index]));
  if (tree.kind === 'map') {
    return [...tree.entries].flatMap(([key, { value }]) =>
      path[0] === 'checks' && path.length === 2 ? [] : passwords(value, [...path, key]),
    );
  }
  if (!holdsPassword(stringOf(tree) ?? '')) return [];
  const message =
    'a password is written here: put the URI into an environment variable or a file, and write env:NAME or file:PATH';
  return [fault(tree.offset, path, message)];
}

function holdsPassword(text: string): boolean {
  return (
    /^\s*[a-z][a-z0-9+.-]*:\/\/[^\s/@]*:[^\s]*@/i.test(text) ||
    /(?:^|[\s?&;])(?:password|passwd|pwd)\s*=\s*\S/i.test(text)
  );
}
