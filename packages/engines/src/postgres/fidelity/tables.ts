import { type FidelityDatabase, MOST_RECORDED, type Unavailable } from '@muster/core';
import { contentQuery, countQuery, type Encoding } from './content-query.js';
import type { Read, Reader } from './reader.js';

type Table = FidelityDatabase['tables'][number];

/** A table as its catalog tells of it. */
export interface KnownTable {
  /** As it stands in SQL. */
  readonly name: string;
  /** Its columns in SQL, of the alias `t`, in the order of their names. */
  readonly columns: string;
  /** Of what an extension configures: which of its rows are dumped. */
  readonly condition: string;
  /** No dump holds its rows. */
  readonly left_out: 'yes' | 'no';
}

/** Columns of the class `c`: by their names, for a dump may bring them back in another order where tables inherit. */
export const COLUMNS = `(SELECT coalesce(string_agg(format('t.%I', a.attname), ', ' ORDER BY a.attname COLLATE "C"), '')
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

/** Schemas of the server itself, of which nothing is dumped. */
export const OWN_SCHEMA = `n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'`;

const KNOWN = `
SELECT format('%I.%I', n.nspname, c.relname) AS name, ${COLUMNS} AS columns,
  coalesce(config.condition, '') AS condition,
  CASE WHEN c.relkind <> 'r' OR (member.objid IS NOT NULL AND config.condition IS NULL)
    OR (c.relpersistence = 'u' AND pg_is_in_recovery()) THEN 'yes' ELSE 'no' END AS left_out
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend member ON member.classid = 'pg_class'::regclass AND member.objid = c.oid AND member.objsubid = 0
  AND member.deptype = 'e'
LEFT JOIN LATERAL (SELECT coalesce(k.condition, '') AS condition
  FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS k (id, condition) WHERE k.id = c.oid) AS config ON true
WHERE c.relkind IN ('r', 'm', 'f') AND c.relpersistence <> 't' AND ${OWN_SCHEMA}
ORDER BY c.relpages, 1 LIMIT ${MOST_RECORDED + 1}`;

/**
 * All tables of a database whose rows a dump could hold, the small ones first: until a dump has all its locks, none of ours
 * shall be held for long.
 */
export const knownTables = (reader: Reader): Promise<Read<KnownTable>> => reader.read<KnownTable>(KNOWN);

/** What `pg_largeobject` holds, under a name that no table has. */
const LARGE_OBJECTS = 'large objects';

interface Counted {
  readonly rows: string;
  readonly digest?: string;
}

/** Counts tables, several at once where there are several readers, and digests what they hold where that is asked. */
export async function recordTables(
  readers: readonly Reader[],
  known: readonly KnownTable[],
  asked: { readonly full: boolean; readonly encoding: Encoding },
): Promise<readonly Table[]> {
  const waiting = known.values();
  const recorded = await Promise.all(
    readers.map(async (reader) => {
      const done: Table[] = [];
      for (const table of waiting) done.push(await recordTable(reader, table, asked));
      return done;
    }),
  );
  return recorded.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function recordTable(
  reader: Reader,
  { name, columns, condition, left_out: leftOut }: KnownTable,
  { full, encoding }: { readonly full: boolean; readonly encoding: Encoding },
): Promise<Table> {
  if (leftOut === 'yes') return { name, unavailable: 'not_in_dump' };
  const from = `ONLY ${name} AS t ${condition}`;
  return {
    name,
    ...(await counted(reader, full ? contentQuery({ columns, from, encoding }) : countQuery(from))),
  };
}

export async function recordLargeObjects(reader: Reader, full: boolean): Promise<Table> {
  const from = 'pg_largeobject_metadata AS t';
  const hash =
    "encode(sha256(decode(lpad(to_hex(t.oid::bigint), 8, '0'), 'hex') || sha256(lo_get(t.oid))), 'hex')";
  const found = await counted(reader, full ? contentQuery({ hash, from }) : countQuery(from));
  return { name: LARGE_OBJECTS, ...found };
}

export async function counted(
  reader: Reader,
  query: string,
  values: readonly string[] = [],
): Promise<Omit<Table, 'name' | 'unavailable'> | { readonly unavailable: Unavailable }> {
  const read = await reader.read<Counted>(query, values);
  if ('unavailable' in read) return read;
  const [row] = read.rows;
  if (row === undefined) return { unavailable: 'failed' };
  return { rows: row.rows, ...(row.digest !== undefined && { sha256: `sha256:${row.digest}` }) };
}

/**
 * Tables, and what they are parts of, that are not stored any more where this transaction sees them. What was emptied or
 * written anew since its moment looks empty to it, or not: only when the dump is over is it known what the dump saw.
 */
const MOVED = `
WITH RECURSIVE moved AS (
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${OWN_SCHEMA} AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid)
  UNION SELECT i.inhparent FROM pg_inherits i JOIN moved ON moved.oid = i.inhrelid)
SELECT format('%I.%I', n.nspname, c.relname) AS name
FROM moved JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace`;

export const movedTables = (reader: Reader): Promise<Read<Pick<KnownTable, 'name'>>> => reader.read(MOVED);
