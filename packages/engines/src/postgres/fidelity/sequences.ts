import { MOST_RECORDED, type NotCompared } from '@muster/core';
import type { Reader } from './reader.js';
import { OWN_SCHEMA } from './tables.js';

export interface KnownSequence {
  readonly name: string;
  readonly increment: string;
  readonly cycle: 'yes' | 'no';
}

/** The values that come next, by name. */
export interface SequenceValues {
  readonly values: ReadonlyMap<string, string>;
  readonly unavailable: readonly NotCompared[];
}

const KNOWN = `
SELECT format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement::text AS increment,
  CASE WHEN s.seqcycle THEN 'yes' ELSE 'no' END AS cycle
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't' AND ${OWN_SCHEMA} AND NOT EXISTS (SELECT FROM pg_depend d
  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1 LIMIT ${MOST_RECORDED}`;

export const knownSequences = (reader: Reader) => reader.read<KnownSequence>(KNOWN);

/** Asked at once. */
const TOGETHER = 200;

/** Sequences have no past: this is what they are now, whatever the transaction sees of tables. */
export async function sequenceValues(
  reader: Reader,
  known: readonly KnownSequence[],
): Promise<SequenceValues> {
  const values = new Map<string, string>();
  const unavailable: NotCompared[] = [];
  const note = (rows: readonly { readonly name: string; readonly value: string }[]) => {
    for (const { name, value } of rows) values.set(name, value);
  };
  for (let from = 0; from < known.length; from += TOGETHER) {
    const some = known.slice(from, from + TOGETHER);
    const together = await valuesOf(reader, some);
    // Of those one may be gone, or not be ours to read.
    for (const few of 'rows' in together ? [] : some.map((one) => [one])) {
      const read = await valuesOf(reader, few);
      if ('rows' in read) note(read.rows);
      else unavailable.push(...few.map(({ name }) => ({ what: name, reason: read.unavailable })));
    }
    if ('rows' in together) note(together.rows);
  }
  return { values, unavailable };
}

const valuesOf = (reader: Reader, some: readonly KnownSequence[]) =>
  reader.read<{ readonly name: string; readonly value: string }>(
    some
      .map(
        ({ name, increment }, index) =>
          `SELECT $${index + 1} AS name, (last_value::numeric + CASE WHEN is_called THEN ${increment} ELSE 0 END)::text AS value FROM ${name}`,
      )
      .join(' UNION ALL '),
    some.map(({ name }) => name),
  );
