import { type FidelityDatabase, type FidelityManifest, MOST_RECORDED, type NotCompared } from '@muster/core';
import type { FidelityAsked } from '../../engine.js';
import type { Encoding } from './content-query.js';
import { DEFINITIONS, recordObjects } from './objects.js';
import type { Read, Reader } from './reader.js';
import { recordSentinels } from './sentinels.js';
import { type KnownSequence, knownSequences, type SequenceValues, sequenceValues } from './sequences.js';
import { knownTables, recordLargeObjects, recordTables } from './tables.js';

/** SHA-256, and the catalog of sequences, are in every server from here on. */
const LEAST_MAJOR = 11;

/** What a dump restores otherwise by its nature, or Muster does not look at. */
const NEVER: NotCompared = {
  what: 'owners, privileges, roles of policies, comments, publications, subscriptions, operators, casts, collations, text search, languages, foreign servers, storage and statistics of columns, settings of the database',
  reason: 'unsupported',
};

/** What must be read before a dump begins. */
export interface Before {
  readonly sequences: readonly KnownSequence[];
  readonly values: SequenceValues;
  readonly unavailable: readonly NotCompared[];
}

/** What is read when a dump is over. */
export interface After {
  readonly values: SequenceValues;
  readonly moved: Read<{ readonly name: string }>;
}

/** Sequences, which know no snapshot, as they are before the dump. */
export async function readBefore(reader: Reader): Promise<Before> {
  const known = await tooOld(reader, knownSequences);
  const none = { values: new Map(), unavailable: [] };
  if ('unavailable' in known)
    return { sequences: [], values: none, unavailable: [{ what: 'sequences', reason: known.unavailable }] };
  return { sequences: known.rows, values: await sequenceValues(reader, known.rows), unavailable: [] };
}

/**
 * Records what one database is, in the transactions of `readers`, which see one moment.
 * @param after - resolves when the dump is over.
 */
export async function recordDatabase(
  [reader, ...more]: readonly [Reader, ...Reader[]],
  asked: Pick<FidelityAsked, 'level' | 'sentinels'>,
  before: Before,
  after: () => Promise<After>,
): Promise<FidelityManifest> {
  const unavailable: NotCompared[] = [...before.unavailable];
  const identity = await reader.read<{ readonly name: string; readonly encoding: string }>(
    `SELECT datname AS name, pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()`,
  );
  const [{ name, encoding: own } = { name: 'unknown', encoding: 'UTF8' }] =
    'rows' in identity ? identity.rows : [];
  const encoding: Encoding = own === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8';
  const { objects, unavailable: unread } = await recordedObjects(reader, encoding);
  unavailable.push(...unread);
  const extensions = await reader.read<FidelityDatabase['extensions'][number]>(
    // Every new database has it.
    `SELECT extname AS name, extversion AS version FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1 LIMIT 10000`,
  );
  if ('unavailable' in extensions) unavailable.push({ what: 'extensions', reason: extensions.unavailable });
  const sentinels = await recordSentinels(reader, asked.sentinels, encoding);
  const known = await knownTables(reader);
  if ('unavailable' in known) unavailable.push({ what: 'tables', reason: known.unavailable });
  const listed = 'rows' in known ? known.rows : [];
  if (listed.length > MOST_RECORDED - 1) unavailable.push({ what: 'tables', reason: 'too_many' });
  const full = asked.level === 'full' && reader.major >= LEAST_MAJOR;
  if (asked.level === 'full' && !full) unavailable.push({ what: 'content', reason: 'unsupported' });
  const tables = await recordTables([reader, ...more], listed.slice(0, MOST_RECORDED - 1), {
    full,
    encoding,
  });
  const largeObjects = await recordLargeObjects(reader, full);
  const { values, moved } = await after();
  const { sequences, unavailable: unreadable } = ranges(before, values);
  unavailable.push(...unreadable, NEVER);
  const isMoved = movedOf(moved);
  return {
    level: asked.level,
    version: 1,
    major: reader.major,
    definitions: DEFINITIONS,
    databases: [
      {
        name,
        tables: [...tables.map((table) => unlessMoved(table, isMoved(table.name))), largeObjects],
        sequences: [...sequences],
        extensions: 'rows' in extensions ? [...extensions.rows] : [],
        objects: [...objects],
        sentinels: sentinels.map(({ name: table, recorded }) =>
          unlessMoved(recorded, table !== undefined && isMoved(table)),
        ),
      },
    ],
    unavailable: unavailable.slice(0, 10_000),
  };
}

/** Where it is not known whether a table was moved, any may have been. */
const movedOf = (moved: After['moved']): ((name: string) => boolean) => {
  if ('unavailable' in moved) return () => true;
  const names = new Set(moved.rows.map(({ name }) => name));
  return (name) => names.has(name);
};

const unlessMoved = <
  T extends { sha256?: string | undefined; rows?: string | undefined; unavailable?: unknown },
>(
  one: T,
  moved: boolean,
): T => {
  if (!moved || one.unavailable !== undefined) return one;
  const { rows: _rows, sha256: _sha256, ...rest } = one;
  return { ...rest, unavailable: 'changed' } as T;
};

const recordedObjects = async (reader: Reader, encoding: Encoding) =>
  reader.major < LEAST_MAJOR
    ? { objects: [], unavailable: [{ what: 'objects', reason: 'unsupported' as const }] }
    : await recordObjects(reader, encoding);

const tooOld = async <T>(reader: Reader, read: (reader: Reader) => Promise<Read<T>>): Promise<Read<T>> =>
  reader.major < LEAST_MAJOR ? { unavailable: 'unsupported' } : await read(reader);

/** Between what was read before and what was read after; one that begins anew when it has ended may have been anywhere. */
function ranges(
  { sequences, values: before }: Before,
  after: SequenceValues,
): { readonly sequences: FidelityDatabase['sequences']; readonly unavailable: readonly NotCompared[] } {
  const unavailable = [...before.unavailable, ...after.unavailable];
  const known: FidelityDatabase['sequences'] = [];
  for (const { name, cycle } of sequences) {
    const [from, to] = [before.values.get(name), after.values.get(name)];
    if (from === undefined || to === undefined) continue;
    if (from !== to && cycle === 'yes') unavailable.push({ what: name, reason: 'unsupported' });
    else if (BigInt(from) <= BigInt(to)) known.push({ name, low: from, high: to });
    else known.push({ name, low: to, high: from });
  }
  return { sequences: known, unavailable };
}
