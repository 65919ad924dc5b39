import type { RehearsalComparison } from '@muster/core';
import type { Version } from './version.js';

/** What production was, or what came back. */
export interface Recorded {
  readonly version?: Version | undefined;
  /** Rows of each table, in decimals. */
  readonly rows: ReadonlyMap<string, string>;
  /** How many rows are what each seeded row was, in the order of `seed`. */
  readonly sentinels: readonly { readonly table: string; readonly count: number }[];
}

/** A receipt names no more. */
const MOST = 10_000;

/** Both, thing by thing: what differs comes first where there are more than a receipt names. */
export function compareRecorded(before: Recorded, after: Recorded): readonly RehearsalComparison[] {
  const names = [...new Set([...before.rows.keys(), ...after.rows.keys()])].toSorted();
  const all = [
    ...(before.version === undefined
      ? []
      : [compared('schema_version', 'version', before.version.value, after.version?.value)]),
    ...names.map((name) => compared('row_count', name, before.rows.get(name), after.rows.get(name))),
    ...before.sentinels.map(({ table, count }, index) =>
      compared(
        'sentinel',
        `${table} #${index + 1}`,
        String(count),
        String(after.sentinels[index]?.count ?? 0),
      ),
    ),
  ];
  return all.length <= MOST
    ? all
    : [...all.filter(({ equal }) => !equal), ...all.filter(({ equal }) => equal)].slice(0, MOST);
}

function compared(
  what: RehearsalComparison['what'],
  name: string,
  before: string | undefined,
  after: string | undefined,
): RehearsalComparison {
  return {
    what,
    name: shortened(name, 300),
    ...(before !== undefined && { before: shortened(before, 1000) }),
    ...(after !== undefined && { after: shortened(after, 1000) }),
    equal: before === after,
  };
}

const shortened = (text: string, most: number): string => text.toWellFormed().slice(0, most).toWellFormed();
