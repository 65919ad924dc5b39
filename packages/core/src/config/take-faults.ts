import { type Fault, faultAt, type Path } from './fault.js';
import { child, items, keyOffsetAt, offsetAt, stringOf, type YamlTree } from './yaml-tree.js';

/** What holds between the keys of `take`, `fidelity` and `rehearse` of one holder: a source, or `defaults`. */
export function takeShapeFaults(holder: YamlTree | undefined, path: Path): Fault[] {
  return [...takeFaults(child(holder, 'take'), [...path, 'take']), ...rehearseFaults(holder, path)];
}

function takeFaults(take: YamlTree | undefined, path: Path): Fault[] {
  if (take?.kind !== 'map') return [];
  const has = (key: string) => take.entries.has(key);
  const retain = child(take, 'retain');
  const names = new Set<string>();
  return [
    ...(has('cron') && has('schedules')
      ? [faultAt(keyOffsetAt(take, ['cron']), [...path, 'cron'], 'cron and schedules exclude each other')]
      : []),
    ...(has('tz') && !has('cron')
      ? [faultAt(keyOffsetAt(take, ['tz']), [...path, 'tz'], 'tz is that of cron, which is missing')]
      : []),
    ...(retain?.kind === 'map' && !retain.entries.has('count') && !retain.entries.has('days')
      ? [
          faultAt(
            retain.offset,
            [...path, 'retain'],
            'retain needs a count, days, or both; without retain all are kept',
          ),
        ]
      : []),
    ...items(child(take, 'schedules')).flatMap((schedule, index) => {
      const named = child(schedule, 'name');
      const name = stringOf(named);
      if (named === undefined || name === undefined) return [];
      if (!names.has(name)) {
        names.add(name);
        return [];
      }
      const here = [...path, 'schedules', index, 'name'];
      return [faultAt(named.offset, here, 'another schedule of takes has this name', 'duplicate')];
    }),
  ];
}

function rehearseFaults(holder: YamlTree | undefined, path: Path): Fault[] {
  const rehearse = child(holder, 'rehearse');
  if (rehearse?.kind !== 'map') return [];
  const both = rehearse.entries.has('base') && rehearse.entries.has('migrate');
  return both ? [faultAt(rehearse.offset, [...path, 'rehearse'], 'base and migrate exclude each other')] : [];
}

const OF_POSTGRES = ['migrate', 'version', 'major'] as const;

/** What a source of its kind must have for a rehearsal. */
export function rehearseSourceFaults(inForce: (key: string) => YamlTree | undefined, path: Path): Fault[] {
  const rehearse = inForce('rehearse');
  if (rehearse?.kind !== 'map') return [];
  const has = (key: string) => rehearse.entries.has(key);
  const here = [...path, 'rehearse'];
  if (stringOf(inForce('kind')) !== 'mongodb')
    return has('base') || has('migrate')
      ? []
      : [faultAt(rehearse.offset, here, 'rehearse needs a base (a dump) or migrate (SQL files)')];
  return [
    ...OF_POSTGRES.filter(has).map((key) =>
      faultAt(keyOffsetAt(rehearse, [key]), [...here, key], `${key} is for PostgreSQL`),
    ),
    ...(has('base') || items(child(rehearse, 'seed')).length > 0
      ? []
      : [faultAt(rehearse.offset, here, 'rehearse needs a base (a dump), or a seed of documents')]),
  ];
}

const OF_DUMPS = ['format', 'encrypt'] as const;
const OF_SETS = ['type', 'data_directory'] as const;

/** What a source must have for its backups to be taken. */
export function takeSourceFaults(
  source: YamlTree,
  inForce: (key: string) => YamlTree | undefined,
  path: Path,
): Fault[] {
  const take = inForce('take');
  if (take?.kind !== 'map') return [];
  const backup = inForce('backup');
  const type = stringOf(child(backup, 'type')) ?? 'live';
  const fault = (key: string, message: string) =>
    faultAt(offsetAt(source, ['take']), [...path, 'take', ...(key === '' ? [] : [key])], message);
  const has = (key: string) => take.entries.has(key);
  if (type === 'live') {
    return [
      fault(
        '',
        'to take backups a source needs a place for them: backup: { type: dump, location } or type: pgbackrest',
      ),
    ];
  }
  const isSets = type === 'pgbackrest';
  const missing =
    isSets || inForce('connection') !== undefined ? [] : ['to take dumps a source needs a connection'];
  const noServer =
    isSets && child(backup, 'repo') !== undefined && !has('data_directory')
      ? ['with repo, take needs data_directory: that of the server to back up (pg1-path)']
      : [];
  return [
    ...[...missing, ...noServer].map((message) => fault('', message)),
    ...(isSets ? OF_DUMPS : OF_SETS)
      .filter(has)
      .map((key) => fault(key, `${key} is for ${isSets ? 'type: dump' : 'type: pgbackrest'}`)),
    ...(stringOf(inForce('kind')) === 'mongodb' && has('format')
      ? [fault('format', 'format is for PostgreSQL')]
      : []),
  ];
}
