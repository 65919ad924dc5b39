import { type Fault, faultAt, type Path, showName } from './fault.js';
import { asksFor, type CheckKinds, otherKind, referenceFaults } from './source-faults.js';
import { child, items, keyOffsetAt, stringOf, type YamlTree } from './yaml-tree.js';

/** One way to say when, and each name once. */
export function scheduleFaults(holder: YamlTree | undefined, path: Path): Fault[] {
  const schedules = child(holder, 'schedules');
  if (holder === undefined || schedules === undefined) return [];
  const both =
    child(holder, 'schedule') === undefined
      ? []
      : [
          faultAt(
            keyOffsetAt(holder, ['schedule']),
            [...path, 'schedule'],
            'schedule and schedules exclude each other',
          ),
        ];
  const seen = new Set<string>();
  const twice = items(schedules).flatMap((item, index) => {
    const named = child(item, 'name');
    const name = stringOf(named);
    if (named === undefined || name === undefined) return [];
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const message = `the source has a schedule ${showName(name)} already`;
    return [faultAt(named.offset, [...path, 'schedules', index, 'name'], message, 'duplicate')];
  });
  return [...both, ...twice];
}

/** What holds between the schedules of a source and its other keys. */
export function sourceScheduleFaults(
  kinds: CheckKinds | undefined,
  source: YamlTree,
  defaults: YamlTree | undefined,
  path: Path,
): Fault[] {
  if (source.kind !== 'map') return [];
  const inForce = (key: string) => child(source, key) ?? child(defaults, key);
  return [
    ...scheduleFaults(source, path),
    ...namedCheckFaults(kinds, source, path),
    ...unaskableFaults(kinds, source, defaults, path),
    ...liveScheduleFaults(source, inForce, path),
    ...walPointFaults(source, inForce, path),
  ];
}

const ROLES = ['present', 'absent'] as const;

/** The checks that schedules name: each there, named once, and not both present and absent. */
export function namedCheckFaults(
  kinds: CheckKinds | undefined,
  holder: YamlTree | undefined,
  path: Path,
): Fault[] {
  return items(child(holder, 'schedules')).flatMap((schedule, index) => {
    const here = [...path, 'schedules', index];
    const present = new Set(items(child(schedule, 'present')).map(stringOf));
    return [
      ...ROLES.flatMap((role) => referenceFaults(kinds, child(schedule, role), [...here, role])),
      ...items(child(schedule, 'absent')).flatMap((item, place) => {
        const id = stringOf(item);
        if (id === undefined || !present.has(id)) return [];
        const message = `the check ${showName(id)} cannot be both present and absent`;
        return [faultAt(item.offset, [...here, 'absent', place], message)];
      }),
    ];
  });
}

/** Schedules in force for a source that name checks which it cannot be asked. Those out of `defaults` are told at the source. */
function unaskableFaults(
  kinds: CheckKinds | undefined,
  source: YamlTree,
  defaults: YamlTree | undefined,
  path: Path,
): Fault[] {
  if (child(source, 'schedule') !== undefined) return [];
  const own = child(source, 'schedules');
  const asked = asksFor(source);
  const restoreOnly =
    asked.restoreOnly ||
    (asksFor(defaults).restoreOnly && !asked.checks && child(source, 'restore_only') === undefined);
  const kind = stringOf(child(source, 'kind') ?? child(defaults, 'kind'));
  return items(own ?? child(defaults, 'schedules')).flatMap((schedule, index) =>
    ROLES.flatMap((role) => {
      const named = child(schedule, role);
      const here = [...path, 'schedules', index, role];
      const at = (item: YamlTree) => (own === undefined ? source.offset : item.offset);
      if (restoreOnly && items(named).length > 0)
        return [faultAt(at(named ?? source), here, `restore_only asks no checks, and ${role} names some`)];
      return items(named).flatMap((item, place) => {
        const message = otherKind(kinds, stringOf(item), kind);
        return message === undefined ? [] : [faultAt(at(item), [...here, place], message, 'reference')];
      });
    }),
  );
}

/** A live source keeps no backups: there is only the latest. One out of `defaults` is told at the source. */
function liveScheduleFaults(
  source: YamlTree,
  inForce: (key: string) => YamlTree | undefined,
  path: Path,
): Fault[] {
  const backup = inForce('backup');
  const isLive = backup === undefined || stringOf(child(backup, 'type')) === 'live';
  if (!isLive || child(source, 'schedule') !== undefined) return [];
  const own = child(source, 'schedules');
  return items(own ?? inForce('schedules')).flatMap((schedule, index) => {
    const point = child(schedule, 'restore_point');
    if (point === undefined || stringOf(point) === 'latest') return [];
    const message = 'a source that is dumped live keeps no backups: it has only the latest';
    const offset = own === undefined ? source.offset : point.offset;
    return [faultAt(offset, [...path, 'schedules', index, 'restore_point'], message)];
  });
}

/** Only where WAL is kept are there points in it. One out of `defaults` is told at the source. */
function walPointFaults(
  source: YamlTree,
  inForce: (key: string) => YamlTree | undefined,
  path: Path,
): Fault[] {
  const type = stringOf(child(inForce('backup'), 'type'));
  // A live source has only the latest, which is told already.
  if (type !== 'dump' || child(source, 'schedule') !== undefined) return [];
  const own = child(source, 'schedules');
  return items(own ?? inForce('schedules')).flatMap((schedule, index) => {
    const point = child(schedule, 'restore_point');
    const kind = ['xid', 'name', 'lsn'].find((key) => child(point, key) !== undefined);
    if (point === undefined || kind === undefined) return [];
    const message = `${kind} is a point in WAL, which a dump has not: only backups of type pgbackrest have`;
    const offset = own === undefined ? source.offset : keyOffsetAt(point, [kind]);
    return [faultAt(offset, [...path, 'schedules', index, 'restore_point', kind], message)];
  });
}
