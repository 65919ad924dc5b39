/** Of the database: text is hashed as UTF-8, but where nobody knows what its bytes mean. */
export type Encoding = 'UTF8' | 'SQL_ASCII';

/** First hex digit of the 64 bits of each lane. */
const LANES = [1, 17, 33, 49] as const;

export const countQuery = (from: string): string => `SELECT count(*)::text AS rows FROM ${from}`;

/** The hash of one row, of SQL columns: as text, which is what a dump holds; one that is null is no empty string. */
const rowHash = (columns: string, encoding: Encoding): string =>
  `encode(sha256(convert_to(ROW(${columns})::text, '${encoding}')), 'hex')`;

/**
 * Counts rows and digests them within the server, whatever their order: each is hashed with SHA-256, the four 64-bit lanes of
 * the hashes are summed exactly, and the sums are hashed. So a row twice is another content, unlike with an exclusive or.
 * `OFFSET 0` keeps the planner from hashing each row once per lane.
 */
export function contentQuery(
  of: { readonly from: string } & (
    | { readonly columns: string; readonly encoding: Encoding }
    | { readonly hash: string }
  ),
): string {
  const hash = 'hash' in of ? of.hash : rowHash(of.columns, of.encoding);
  const sums = LANES.map(
    (first) => `coalesce(sum(('x' || substr(hash, ${first}, 16))::bit(64)::bigint), 0)`,
  ).join(', ');
  return `SELECT count(*)::text AS rows,
    encode(sha256(convert_to(concat_ws(' ', count(*), ${sums}), 'UTF8')), 'hex') AS digest
  FROM (SELECT ${hash} AS hash FROM ${of.from} OFFSET 0) AS hashed`;
}
