import { canonicalJson, type FidelityDatabase, type Sentinel, sha256 } from '@muster/core';
import pg from 'pg';
import { contentQuery, type Encoding } from './content-query.js';
import type { Reader } from './reader.js';
import { COLUMNS, counted, type KnownTable } from './tables.js';

type Recorded = FidelityDatabase['sentinels'][number];

const KNOWN = `
SELECT format('%I.%I', n.nspname, c.relname) AS name, ${COLUMNS} AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`;

/** Which sentinel that is, without its data. */
const sentinelKey = ({ table, key }: Sentinel): string => sha256(canonicalJson({ table, key }));

/** A sentinel, and its table as it stands in SQL. */
interface Found {
  readonly name?: string;
  readonly recorded: Recorded;
}

/** Digests the rows that were named. */
export async function recordSentinels(
  reader: Reader,
  sentinels: readonly Sentinel[],
  encoding: Encoding,
): Promise<readonly Found[]> {
  const recorded: Found[] = [];
  for (const sentinel of sentinels) recorded.push(await recordSentinel(reader, sentinel, encoding));
  return recorded;
}

async function recordSentinel(reader: Reader, sentinel: Sentinel, encoding: Encoding): Promise<Found> {
  const { table, key } = sentinel;
  const which = { table, key_sha256: sentinelKey(sentinel) };
  const dot = table.indexOf('.');
  const known = await reader.read<Pick<KnownTable, 'name' | 'columns'>>(
    KNOWN,
    dot < 0 ? ['public', table] : [table.slice(0, dot), table.slice(dot + 1)],
  );
  if ('unavailable' in known) return { recorded: { ...which, ...known } };
  const [named] = known.rows;
  if (named === undefined) return { recorded: { ...which, unavailable: 'failed' } };
  const { name, columns } = named;
  const condition = Object.keys(key)
    .map((column, index) => `t.${pg.escapeIdentifier(column)} = $${index + 1}`)
    .join(' AND ');
  const query = contentQuery({ columns, from: `${name} AS t WHERE ${condition}`, encoding });
  const found = await counted(reader, query, Object.values(key).map(String));
  if ('unavailable' in found) return { name, recorded: { ...which, ...found } };
  return { name, recorded: { ...which, ...(found.rows !== '0' && { sha256: found.sha256 }) } };
}
