import { MusterError } from '@muster/core';
import type pg from 'pg';

/** How many names a message lists. */
const SHOWN = 5;

/**
 * What pg_dump would read and the user of the session may not: tables, their rows, sequences. Of extensions only what they
 * let a dump have.
 */
const MISSING = `
SELECT pg_catalog.format('%I.%I', schema, name) AS name, right_to, pg_catalog.count(*) OVER () AS total
FROM (
  SELECT n.nspname AS schema, c.relname AS name,
    CASE
      WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN 'read'
      WHEN c.relkind = 'S' THEN CASE WHEN NOT pg_catalog.has_sequence_privilege(c.oid, 'SELECT') THEN 'read' END
      WHEN NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN 'read'
      WHEN pg_catalog.row_security_active(c.oid) THEN 'rows'
    END AS right_to
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND (
      NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
      OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig))
    )
) AS dumped
WHERE right_to IS NOT NULL
ORDER BY right_to, schema, name
LIMIT ${SHOWN}`;

/** A dump that would lack rows, or not come to its end, is not begun. @throws `source_rights_missing` */
export async function requireRights(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string; right_to: 'read' | 'rows'; total: string }>(MISSING);
  const [first] = rows;
  if (first === undefined) return;
  const more = Number(first.total) - rows.length;
  const names = `${rows.map(({ name }) => name).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  throw rows.some(({ right_to: right }) => right === 'read') ? mayNotRead(names) : seesNotAllRows(names);
}

const mayNotRead = (names: string): MusterError =>
  new MusterError(
    'source_rights_missing',
    `The user of the connection URI may not read all of the source: ${names}. Let that user read it: GRANT pg_read_all_data (PostgreSQL 14 or newer), or GRANT USAGE ON SCHEMA and GRANT SELECT ON ALL TABLES IN SCHEMA, and ON ALL SEQUENCES IN SCHEMA, for each schema.`,
  );

const seesNotAllRows = (names: string): MusterError =>
  new MusterError(
    'source_rights_missing',
    `Row security keeps rows from the user of the connection URI: ${names}. Let that user see them all: ALTER ROLE … BYPASSRLS.`,
  );
