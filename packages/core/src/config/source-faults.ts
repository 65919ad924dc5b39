import { companionFaults } from './companion-faults.js';
import { type Fault, faultAt, type Path, showName, suggest } from './fault.js';
import { s3Faults } from './s3-faults.js';
import { rehearseSourceFaults, takeShapeFaults, takeSourceFaults } from './take-faults.js';
import { child, items, keyOffsetAt, offsetAt, stringOf, type YamlTree } from './yaml-tree.js';

/** For each id of a check the kind of source that it is for; undefined where that is not certain. */
export type CheckKinds = ReadonlyMap<string, 'postgres' | 'mongodb' | undefined>;

/** Absent where the list of checks is no list: that all ids are unknown then would add nothing. */
export function checkKinds(tree: YamlTree): CheckKinds | undefined {
  const declared = child(tree, 'checks');
  if (declared !== undefined && declared.kind !== 'list') return undefined;
  const kinds = new Map<string, 'postgres' | 'mongodb' | undefined>();
  for (const check of items(declared)) {
    const id = stringOf(child(check, 'id'));
    const sql = child(check, 'summary_sql') !== undefined;
    const find = child(check, 'summary_find') !== undefined;
    if (id !== undefined) kinds.set(id, sql === find ? undefined : sql ? 'postgres' : 'mongodb');
  }
  return kinds;
}

/** Ids in a list of checks: each there, and named once. */
export function referenceFaults(
  kinds: CheckKinds | undefined,
  list: YamlTree | undefined,
  path: Path,
): Fault[] {
  const seen = new Set<string>();
  return items(list).flatMap((item, index) => {
    const id = stringOf(item);
    if (id === undefined) return [];
    const here = [...path, index];
    if (seen.has(id)) {
      return [faultAt(item.offset, here, `the check ${showName(id)} is named twice`, 'duplicate')];
    }
    seen.add(id);
    if (kinds === undefined || kinds.has(id)) return [];
    const message = `there is no check ${showName(id)}.${suggest(id, [...kinds.keys()])}`;
    return [faultAt(item.offset, here, message, 'reference')];
  });
}

/** What holds between the keys of one source, of `defaults`, and the checks. */
export function sourceFaults(
  kinds: CheckKinds | undefined,
  source: YamlTree,
  defaults: YamlTree | undefined,
  path: Path,
): Fault[] {
  if (source.kind !== 'map') return [];
  const inForce = (key: string) => child(source, key) ?? child(defaults, key);
  const kind = inForce('kind');
  return [
    ...(kind === undefined ? [faultAt(source.offset, [...path, 'kind'], 'kind is missing')] : []),
    ...referenceFaults(kinds, child(source, 'checks'), [...path, 'checks']),
    ...wrongKinds(kinds, source, defaults, path, stringOf(kind)),
    ...questionFaults(source, defaults, path),
    ...backupFaults(source, inForce, path),
    ...companionFaults(source, path),
    ...objectiveFaults(source, path),
    ...takeShapeFaults(source, path),
    ...takeSourceFaults(source, inForce, path),
    ...rehearseSourceFaults(inForce, path),
  ];
}

/** Checks of another engine's sort. One out of `defaults` is told at the source, which is where that can be mended. */
function wrongKinds(
  kinds: CheckKinds | undefined,
  source: YamlTree,
  defaults: YamlTree | undefined,
  path: Path,
  kind: string | undefined,
): Fault[] {
  const own = child(source, 'checks');
  const inherited = asksFor(source).restoreOnly ? undefined : child(defaults, 'checks');
  return items(own ?? inherited).flatMap((item, index) => {
    const message = otherKind(kinds, stringOf(item), kind);
    if (message === undefined) return [];
    const offset = own === undefined ? source.offset : item.offset;
    return [faultAt(offset, [...path, 'checks', index], message, 'reference')];
  });
}

/** Says that a check is of another engine's sort than a source of this kind; undefined where it is not. */
export function otherKind(
  kinds: CheckKinds | undefined,
  id: string | undefined,
  kind: string | undefined,
): string | undefined {
  const wanted = id === undefined ? undefined : kinds?.get(id);
  if ((kind !== 'postgres' && kind !== 'mongodb') || wanted === undefined || wanted === kind)
    return undefined;
  const question = wanted === 'postgres' ? 'summary_sql' : 'summary_find';
  return `the check ${showName(id ?? '')} has a ${question}, which a source of kind ${kind} cannot be asked`;
}

/** Checks and `restore_only: true` side by side. */
export function bothFaults(holder: YamlTree | undefined, path: Path): Fault[] {
  const { checks, restoreOnly } = asksFor(holder);
  if (holder === undefined || !checks || !restoreOnly) return [];
  const offset = keyOffsetAt(holder, ['restore_only']);
  return [faultAt(offset, [...path, 'restore_only'], 'restore_only and checks exclude each other')];
}

/** A source has checks or `restore_only: true`; what it says itself wins over `defaults`. */
function questionFaults(source: YamlTree, defaults: YamlTree | undefined, path: Path): Fault[] {
  const own = asksFor(source);
  if (own.checks || own.restoreOnly) return bothFaults(source, path);
  const inherited = asksFor(defaults);
  if (inherited.checks && child(source, 'checks') === undefined) return [];
  if (inherited.restoreOnly && child(source, 'restore_only') === undefined) return [];
  const message = 'a source needs checks; if it is enough that its backup restores, write restore_only: true';
  return [faultAt(keyOffsetAt(source, ['checks']), [...path, 'checks'], message)];
}

/** What a source, or `defaults`, says of checks. */
export function asksFor(tree: YamlTree | undefined): {
  readonly checks: boolean;
  readonly restoreOnly: boolean;
} {
  const checks = child(tree, 'checks');
  const restoreOnly = child(tree, 'restore_only');
  return {
    // What is no list is told by the schema, and was meant as checks.
    checks: checks !== undefined && (checks.kind !== 'list' || checks.items.length > 0),
    restoreOnly: restoreOnly?.kind === 'scalar' && restoreOnly.value === true,
  };
}

function backupFaults(source: YamlTree, inForce: (key: string) => YamlTree | undefined, path: Path): Fault[] {
  const faults = backupShapeFaults(source, path);
  const backup = inForce('backup');
  if (stringOf(child(backup, 'type')) === 'pgbackrest' && stringOf(inForce('kind')) === 'mongodb') {
    const message = 'pgBackRest keeps backups of PostgreSQL, and the source is of kind mongodb';
    return [...faults, faultAt(offsetAt(source, ['backup']), [...path, 'backup'], message)];
  }
  if (inForce('connection') !== undefined) return faults;
  if (backup !== undefined && stringOf(child(backup, 'type')) !== 'live') return faults;
  const message =
    backup === undefined
      ? 'a source needs a backup (where its dumps are), or a connection (to take a dump from)'
      : 'a live dump needs a connection';
  return [...faults, faultAt(offsetAt(source, ['backup']), [...path, 'backup'], message)];
}

/** An objective at least. */
export function objectiveFaults(holder: YamlTree | undefined, path: Path): Fault[] {
  const objectives = child(holder, 'objectives');
  if (objectives?.kind !== 'map') return [];
  if (objectives.entries.has('rto') || objectives.entries.has('rpo')) return [];
  return [faultAt(objectives.offset, [...path, 'objectives'], 'objectives need an rto, an rpo or both')];
}

const OF_DUMPS = ['location', 's3', 'match', 'tz', 'decrypt'];

/** A dump lies somewhere, and a live one nowhere. */
export function backupShapeFaults(holder: YamlTree | undefined, path: Path): Fault[] {
  const backup = child(holder, 'backup');
  const type = stringOf(child(backup, 'type'));
  if (backup?.kind !== 'map') return [];
  if (type === 'dump' && !backup.entries.has('location')) {
    const message = 'location is missing: where the dumps are';
    return [faultAt(backup.offset, [...path, 'backup', 'location'], message)];
  }
  if (type === 'pgbackrest') return pgbackrestFaults(backup, [...path, 'backup']);
  const misplaced = (keys: readonly string[], message: (key: string) => string) =>
    keys
      .filter((key) => backup.entries.has(key))
      .map((key) => faultAt(keyOffsetAt(backup, [key]), [...path, 'backup', key], message(key)));
  return [
    ...(type === 'live'
      ? misplaced(OF_DUMPS, (key) => `a live dump has no ${key}; use type: dump`)
      : s3Faults(backup, [...path, 'backup'], { place: 'location', only: ['s3'] })),
    ...misplaced(OF_PGBACKREST, (key) => `${key} is for type: pgbackrest`),
  ];
}

const OF_PGBACKREST = ['stanza', 'repo', 'config', 'delta', 'process_max'] as const;

/** A stanza, and one way to say where its repository is. */
function pgbackrestFaults(backup: Extract<YamlTree, { kind: 'map' }>, path: Path): Fault[] {
  const has = (key: string) => backup.entries.has(key);
  const missing = (key: string, message: string) => faultAt(backup.offset, [...path, key], message);
  return [
    ...(has('stanza') ? [] : [missing('stanza', 'stanza is missing: the name that pgBackRest has for it')]),
    ...(has('repo') || has('config')
      ? []
      : [missing('repo', 'repo (or config) is missing: where the repository is')]),
    ...(has('repo') && has('config')
      ? [faultAt(keyOffsetAt(backup, ['config']), [...path, 'config'], 'repo and config exclude each other')]
      : []),
    ...s3Faults(child(backup, 'repo'), [...path, 'repo'], { place: 'path', only: ['s3'] }),
    ...OF_DUMPS.filter(has).map((key) =>
      faultAt(
        keyOffsetAt(backup, [key]),
        [...path, key],
        `a pgBackRest repository has no ${key}; write repo: { path: DIRECTORY or s3://BUCKET/PREFIX }`,
      ),
    ),
  ];
}
