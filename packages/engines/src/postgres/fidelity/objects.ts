import { type FidelityDatabase, MOST_NAME, MOST_RECORDED, type NotCompared } from '@muster/core';
import type { Encoding } from './content-query.js';
import { type ObjectPart, objectParts } from './object-queries.js';
import type { Reader } from './reader.js';

type SchemaObject = FidelityDatabase['objects'][number];

const WORD = '("([^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)';
/**
 * Of what is told of definitions. It goes up where more is told, or otherwise; the names and parts of what was told before stay,
 * for records of an older version are compared by them.
 */
export const DEFINITIONS = 2;

/** A cast as the server writes it: \`::character varying(3)[]\`. */
const CAST = `::${WORD}(\\.${WORD})?( varying| precision)?(\\([0-9, ]+\\))?( with(out)? time zone)?(\\[\\])*`;

/**
 * A definition without its casts and brackets: read back, the server writes them elsewhere
 * (\`(ARRAY['a'::character varying])::text[]\` becomes \`ARRAY[('a'::character varying)::text]\`) and means the same.
 */
const withoutCasts = (definition: string): string =>
  `regexp_replace(regexp_replace(${definition}, $re$${CAST}$re$, '', 'g'), '[\\s()]', '', 'g')`;

/** Functions are told by their arguments, which may be many: what is too long is told by its beginning and a digest of all. */
const shortName = (encoding: Encoding): string => `CASE WHEN octet_length(name) <= ${MOST_NAME} THEN name
  ELSE left(name, 140) || '..' || left(encode(sha256(convert_to(name, '${encoding}')), 'hex'), 16) END`;

/** What there is besides rows: each object by its name, with a digest of how it is defined. */
export async function recordObjects(
  reader: Reader,
  encoding: Encoding,
): Promise<{ readonly objects: readonly SchemaObject[]; readonly unavailable: readonly NotCompared[] }> {
  const objects: SchemaObject[] = [];
  const unavailable: NotCompared[] = [];
  for (const { part, query } of objectParts(reader.major)) {
    const read = await reader.read<{ readonly name: string; readonly digest: string }>(
      digesting(query, encoding),
    );
    if ('unavailable' in read) unavailable.push({ what: part, reason: read.unavailable });
    else if (objects.length + read.rows.length > MOST_RECORDED)
      unavailable.push({ what: part, reason: 'too_many' });
    else objects.push(...read.rows.map(({ name, digest }) => ({ part, name, sha256: `sha256:${digest}` })));
  }
  return { objects, unavailable };
}

const digesting = (query: ObjectPart['query'], encoding: Encoding): string => `
SELECT ${shortName(encoding)} AS name, encode(sha256(convert_to(
    concat_ws(' ', coalesce(facts, ''), '|', coalesce(${withoutCasts('definition')}, '')), '${encoding}')), 'hex') AS digest
FROM (${query}) AS described ORDER BY described.name COLLATE "C" LIMIT ${MOST_RECORDED + 1}`;
