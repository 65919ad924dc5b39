import type pg from 'pg';

/**
 * What values and definitions look like as text depends on these: the same at the source and in the scratch. With an empty
 * search path every name is written out, and none is looked up where a stranger may have put something.
 */
const SETTINGS = {
  search_path: '',
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmlbinary: 'base64',
  quote_all_identifiers: 'off',
  // A row that is kept from us is an error, and no smaller count.
  row_security: 'off',
  client_encoding: 'UTF8',
  lock_timeout: '10s',
  idle_in_transaction_session_timeout: '0',
  transaction_timeout: '0',
  jit: 'off',
} as const;

/** Begins what all is read in: one moment, and nothing can be written. */
export async function beginReading(
  client: pg.Client,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const settings = Object.entries({ ...SETTINGS, ...more });
  await client.query(
    `SELECT pg_catalog.set_config(s.name, s.value, true)
      FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS s (name, value)
      WHERE pg_catalog.current_setting(s.name, true) IS NOT NULL`,
    [settings.map(([name]) => name), settings.map(([, value]) => value)],
  );
}
