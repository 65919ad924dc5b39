import { z } from 'zod';
import { wellFormed } from './well-formed.js';

/**
 * What a database was when it was dumped, without data: recorded in the very snapshot that the dump reads, and again in
 * the scratch after its restore. Two of them are compared by {@link compareFidelity}.
 */

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** A count that may be more than a double holds. */
const decimal = z.string().regex(/^-?\d{1,40}$/);
/** Of a name, in UTF-16 code units. */
export const MOST_NAME = 300;
const name = wellFormed.min(1).max(MOST_NAME);

/** The most of each kind that is recorded of one database; what is beyond is named `too_many`. */
export const MOST_RECORDED = 200_000;

/**
 * Why something could not be recorded or compared; a closed list.
 * `budget`: the time for it was over · `no_snapshot`: no moment of the source can be shared with its dump ·
 * `no_rights`: the user may not read it · `unsupported`: Muster does not compare it · `not_in_dump`: no dump holds it ·
 * `other_version`: the server or extension restored into writes it otherwise · `not_asked`: a sentinel that is configured
 * now or was then, and not both · `changed`: emptied or written anew while it was dumped, which no moment shows · `failed`: the server refused, or was gone · `too_many`: more than are recorded ·
 * `no_manifest`: nothing was recorded when the backup was taken · `malformed`: what lies beside the backup is no record of
 * it.
 */
export const UNAVAILABLE = [
  'budget',
  'no_snapshot',
  'no_rights',
  'unsupported',
  'not_in_dump',
  'other_version',
  'not_asked',
  'changed',
  'failed',
  'too_many',
  'no_manifest',
  'malformed',
] as const;
export const unavailableSchema = z.enum(UNAVAILABLE);
export type Unavailable = (typeof UNAVAILABLE)[number];

const tableSchema = z.strictObject({
  /** `schema.table` as PostgreSQL quotes it; a collection's own name; `large objects`. */
  name,
  rows: decimal.optional(),
  /** Of the content, whatever the order of rows. */
  sha256: digest.optional(),
  /** Why `rows`, or at the level `full` `sha256`, is absent. */
  unavailable: unavailableSchema.optional(),
});

/** The value that comes next. Sequences ignore snapshots: it was between these two, read before and after. */
const sequenceSchema = z.strictObject({ name, low: decimal, high: decimal });

const sentinelSchema = z.strictObject({
  table: name,
  /** Of the key's columns and values: which sentinel this is, without its data. */
  key_sha256: digest,
  /** Of the row; absent = no such row, or `unavailable`. */
  sha256: digest.optional(),
  unavailable: unavailableSchema.optional(),
});

const databaseSchema = z.strictObject({
  name,
  tables: z.array(tableSchema).max(MOST_RECORDED),
  sequences: z.array(sequenceSchema).max(MOST_RECORDED),
  extensions: z.array(z.strictObject({ name, version: wellFormed.max(300).optional() })).max(10_000),
  /** Tables, indexes, constraints, views, functions …: each with a digest of how it is defined. */
  objects: z
    .array(z.strictObject({ part: z.string().min(1).max(64), name, sha256: digest }))
    .max(MOST_RECORDED),
  sentinels: z.array(sentinelSchema).max(10_000),
});

const namedSchema = z.strictObject({ what: name, reason: unavailableSchema });

export const fidelityManifestSchema = z.strictObject({
  level: z.enum(['counts', 'full']),
  /** Of what is digested, and how: manifests of another version are not compared. */
  version: z.literal(1),
  /** Major version of the server: another one may write definitions otherwise. */
  major: z.int().nonnegative(),
  /** Of what is told of definitions, which grows; absent = 1. Those of another version are compared by name. */
  definitions: z.int().positive().optional(),
  databases: z.array(databaseSchema).max(10_000),
  /** What of the whole could not be recorded. */
  unavailable: z.array(namedSchema).max(10_000),
});
export type FidelityManifest = z.infer<typeof fidelityManifestSchema>;
export type FidelityDatabase = FidelityManifest['databases'][number];
export type NotCompared = z.infer<typeof namedSchema>;

/** One thing that differs. Names of a database's objects, never its data. */
const differenceSchema = z.strictObject({
  database: name,
  what: z.enum(['database', 'table', 'sequence', 'extension', 'object', 'sentinel']),
  /** Of an `object`: what it is (`index`, `view`, …). */
  part: z.string().min(1).max(64).optional(),
  name,
  difference: z.enum(['missing', 'unexpected', 'rows', 'content', 'value', 'definition']),
  /** Of `rows`. */
  expected: decimal.optional(),
  found: decimal.optional(),
});
export type FidelityDifference = z.infer<typeof differenceSchema>;

/** A receipt names no more differences, nor more of what was not compared. */
export const MOST_NAMED = 100;

/** What a receipt says of fidelity. */
export const fidelitySchema = z.strictObject({
  verdict: z.enum(['equal', 'different', 'unavailable']),
  level: z.enum(['counts', 'full']).optional(),
  /** How much was compared. */
  compared: z
    .strictObject({
      tables: z.int().nonnegative(),
      rows: decimal,
      contents: z.int().nonnegative(),
      sequences: z.int().nonnegative(),
      objects: z.int().nonnegative(),
      sentinels: z.int().nonnegative(),
    })
    .optional(),
  /** Of `unavailable`: why nothing was compared. */
  reason: unavailableSchema.optional(),
  /** The first of them; `more` says how many there are beyond. */
  differences: z.array(differenceSchema).max(MOST_NAMED).optional(),
  more: z.int().positive().optional(),
  /** What was not compared, by name: never skipped in silence. */
  not_compared: z.array(namedSchema).max(MOST_NAMED).optional(),
  more_not_compared: z.int().positive().optional(),
});
export type FidelityRecord = z.infer<typeof fidelitySchema>;

/** Fidelity that could not be compared, and why. */
export const fidelityUnavailable = (reason: Unavailable): FidelityRecord => ({
  verdict: 'unavailable',
  reason,
});
