/** Of the database: text is hashed as UTF-8, but where nobody knows what its bytes mean. */
export type Encoding = 'UTF8' | 'SQL_ASCII';

/** First hex digit of the 64 bits of each lane. */
const LANES = [1, 17, 33, 49] as const;

/**
 * Whether a table, and what it is parted into, is still stored where this transaction sees it: what was emptied or written
 * anew since looks empty to it, or not, whatever its moment.
 */
const unmoved = (
  oid: string,
): string => `(SELECT CASE WHEN bool_and(c.relfilenode = pg_relation_filenode(c.oid)) IS FALSE THEN 'no' ELSE 'yes' END
  FROM pg_class c WHERE c.relkind = 'r' AND (c.oid = ${oid} OR c.oid IN (SELECT relid FROM pg_partition_tree(${oid})))) AS unmoved`;

/** What is read: SQL, and the table that it names. */
export interface From {
  readonly from: string;
  readonly oid: string;
}

export const countQuery = ({ from, oid }: From): string =>
  `SELECT count(*)::text AS rows, ${unmoved(oid)} FROM ${from}`;

/** The hash of one row, of SQL columns: as text, which is what a dump holds; one that is null is no empty string. */
export const rowHash = (columns: string, encoding: Encoding): string =>
  `encode(sha256(convert_to(ROW(${columns})::text, '${encoding}')), 'hex')`;

/**
 * Counts rows and digests them within the server, whatever their order: each is hashed with SHA-256, the four 64-bit lanes of
 * the hashes are summed exactly, and the sums are hashed. So a row twice is another content, unlike with an exclusive or.
 * `OFFSET 0` keeps the planner from hashing each row once per lane.
 */
export function contentQuery(
  of: From & ({ readonly columns: string; readonly encoding: Encoding } | { readonly hash: string }),
): string {
  const hash = 'hash' in of ? of.hash : rowHash(of.columns, of.encoding);
  const sums = LANES.map(
    (first) => `coalesce(sum(('x' || substr(hash, ${first}, 16))::bit(64)::bigint), 0)`,
  ).join(', ');
  return `SELECT count(*)::text AS rows,
    encode(sha256(convert_to(concat_ws(' ', count(*), ${sums}), 'UTF8')), 'hex') AS digest, ${unmoved(of.oid)}
  FROM (SELECT ${hash} AS hash FROM ${of.from} OFFSET 0) AS hashed`;
}
