import { extendedJsonFault } from '../extended-json.js';
import { type Fault, faultAt, type Path } from './fault.js';
import { child, items, keyOffsetAt, stringOf, type YamlTree } from './yaml-tree.js';

/** What holds between the keys of one check. */
export function checkFaults(check: YamlTree, path: Path): Fault[] {
  if (check.kind !== 'map') return [];
  const sql = check.entries.get('summary_sql');
  const find = check.entries.get('summary_find');
  if (sql !== undefined && find !== undefined) {
    return [
      faultAt(
        find.keyOffset,
        [...path, 'summary_find'],
        'a check has summary_sql or summary_find, and not both',
      ),
    ];
  }
  if (find !== undefined) {
    const here = [...path, 'summary_find'];
    return [
      ...findFaults(check, find.value, here),
      ...writeFaults(check, find.value, here),
      ...['filter', 'aggregate'].flatMap((key) => wrapperFaults(child(find.value, key), [...here, key])),
    ];
  }
  if (sql !== undefined) return columnFaults(check, path);
  return [faultAt(check.offset, path, 'a check needs summary_sql (PostgreSQL) or summary_find (MongoDB)')];
}

function findFaults(check: YamlTree, find: YamlTree, path: Path): Fault[] {
  const faults: Fault[] = [];
  if (child(check, 'database') !== undefined) {
    const here = [...path.slice(0, -1), 'database'];
    const message = 'the database of a summary_find stands within it';
    faults.push(faultAt(keyOffsetAt(check, ['database']), here, message));
  }
  if (find.kind !== 'map') return faults;
  const refuse = (key: string, message: string) =>
    faults.push(faultAt(find.entries.get(key)?.keyOffset ?? find.offset, [...path, key], message));
  const has = (key: string) => find.entries.has(key);
  if (has('list_collections')) {
    for (const key of ['collection', 'filter', 'aggregate'].filter(has)) {
      refuse(key, `${key} and list_collections exclude each other`);
    }
  } else if (has('filter') && has('aggregate')) {
    refuse('aggregate', 'filter and aggregate exclude each other');
  } else if (!has('filter') && !has('aggregate')) {
    const message = 'summary_find needs a filter, an aggregate, or list_collections: true';
    faults.push(faultAt(find.offset, path, message));
  } else if (!has('collection')) {
    refuse('collection', 'collection is missing');
  }
  return faults;
}

/** Extended JSON that is none, which a server is not needed to see. */
function wrapperFaults(tree: YamlTree | undefined, path: Path): Fault[] {
  if (tree?.kind === 'list')
    return tree.items.flatMap((item, index) => wrapperFaults(item, [...path, index]));
  if (tree?.kind !== 'map') return [];
  return [...tree.entries].flatMap(([key, { value }]) => {
    const here = [...path, key];
    const content = value.kind === 'scalar' ? value.value : value.kind === 'list' ? [] : {};
    const like = tree.entries.size === 1 ? extendedJsonFault(key, content) : undefined;
    return like === undefined
      ? wrapperFaults(value, here)
      : [faultAt(value.offset, here, `${key} takes ${like}`)];
  });
}

/** The two stages that write; both stand at the top of a pipeline alone, so that nothing else needs to be held back. */
const WRITING_STAGES = ['$out', '$merge'];

function writeFaults(check: YamlTree, find: YamlTree, path: Path): Fault[] {
  const readOnly = child(check, 'read_only');
  if (readOnly?.kind !== 'scalar' || readOnly.value !== true) return [];
  return items(child(find, 'aggregate')).flatMap((stage, index) =>
    WRITING_STAGES.filter((name) => child(stage, name) !== undefined).map((name) => {
      const message = `${name} writes, which read_only: true forbids`;
      const here = [...path, 'aggregate', index, name];
      return faultAt(keyOffsetAt(stage, [name]), here, message);
    }),
  );
}

/** A dot is a path in documents; in SQL it is nearly always a table's name that the row does not have. */
function columnFaults(check: YamlTree, path: Path): Fault[] {
  const expect = child(check, 'expect');
  const dotted = /^\s*[\p{L}_][\p{L}\p{M}\p{N}_$]*\./u.test(stringOf(expect) ?? '');
  if (expect === undefined || !dotted) return [];
  const message =
    'a column of a summary_sql row has no dot: name it in the query (AS n), or put its name in double quotes';
  return [faultAt(expect.offset, [...path, 'expect'], message, 'expect')];
}
