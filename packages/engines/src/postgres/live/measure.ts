import type { LiveFacts, LiveMeasure } from '../../live/live-dumper.js';
import { parseConnectionUri } from './connection-uri.js';
import { withSource } from './reach-source.js';

/** Files are counted one by one: of a source with very many of them that takes its time. */
const MEASURING_MS = 5_000;
/** Extensions that every database has from its beginning are in no dump of pg_dump. */
const FIRST_OWN_OID = 16_384;

/** {@link LiveDumper.measure} of PostgreSQL. */
export async function measure(text: string, facts: LiveFacts, signal: AbortSignal): Promise<LiveMeasure> {
  const uri = parseConnectionUri(text);
  const [host] = uri.hosts;
  if (host === undefined) return {};
  const named = facts.database === undefined ? uri : { ...uri, database: facts.database };
  return await withSource(named, host, signal, async (client) => {
    await client.query('BEGIN READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${MEASURING_MS}`);
    const { rows: extensions } = await client.query<{ name: string }>(
      `SELECT extname AS name FROM pg_catalog.pg_extension WHERE oid >= ${FIRST_OWN_OID} ORDER BY 1`,
    );
    const { rows } = await client.query<{ bytes: string }>(
      'SELECT pg_catalog.pg_database_size(pg_catalog.current_database())::text AS bytes',
    );
    const bytes = Number(rows[0]?.bytes);
    return {
      ...(Number.isSafeInteger(bytes) && { sizeBytes: bytes }),
      extensions: extensions.map(({ name }) => name),
    };
  });
}
