import { z } from 'zod';
import { wellFormed } from './well-formed.js';

/**
 * What a database was when it was dumped, without data: recorded in the very snapshot that the dump reads, and again in
 * the scratch after its restore. Two of them are compared by {@link compareFidelity}.
 */

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** A count that may be more than a double holds. */
const decimal = z.string().regex(/^-?\d{1,40}$/);
const name = wellFormed.min(1).max(300);
const MOST = 200_000;

/** Why something could not be recorded or compared; a closed list. */
export const UNAVAILABLE = [
  'budget',
  'no_snapshot',
  'no_rights',
  'unsupported',
  'not_in_dump',
  'level',
  'failed',
  'too_many',
] as const;
export const unavailableSchema = z.enum(UNAVAILABLE);

const tableSchema = z.strictObject({
  /** `schema.table` as PostgreSQL quotes it; a collection's own name. */
  name,
  rows: decimal.optional(),
  /** Of the content, whatever the order of rows. */
  sha256: digest.optional(),
  /** Why `rows`, or at the level `full` `sha256`, is absent. */
  unavailable: unavailableSchema.optional(),
});

/** Sequences ignore snapshots: their value was between these two, read before and after. */
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
  tables: z.array(tableSchema).max(MOST),
  sequences: z.array(sequenceSchema).max(MOST),
  extensions: z.array(z.strictObject({ name, version: wellFormed.optional() })).max(10_000),
  /** Named parts of the schema (tables with columns, indexes, constraints, views, functions, …), each with its own digest. */
  schema: z.array(z.strictObject({ part: name, objects: z.int().nonnegative(), sha256: digest })).max(100),
  sentinels: z.array(sentinelSchema).max(10_000),
});

export const fidelityManifestSchema = z.strictObject({
  level: z.enum(['counts', 'full']),
  /** Of what is digested, and how: manifests of another version are not compared. */
  version: z.literal(1),
  databases: z.array(databaseSchema).max(10_000),
  /** What of the whole could not be recorded. */
  unavailable: z.array(z.strictObject({ what: name, reason: unavailableSchema })).max(10_000),
});
export type FidelityManifest = z.infer<typeof fidelityManifestSchema>;
export type FidelityDatabase = FidelityManifest['databases'][number];
export type Unavailable = (typeof UNAVAILABLE)[number];

/** One thing that differs. Names of a database's objects, never its data. */
const differenceSchema = z.strictObject({
  database: name,
  /** `table`, `sequence`, `extension`, `schema`, `sentinel`. */
  what: z.enum(['database', 'table', 'sequence', 'extension', 'schema', 'sentinel']),
  name,
  difference: z.enum(['missing', 'unexpected', 'rows', 'content', 'value', 'version', 'definition']),
  /** Of `rows`. */
  expected: decimal.optional(),
  found: decimal.optional(),
});
export type FidelityDifference = z.infer<typeof differenceSchema>;

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
      sentinels: z.int().nonnegative(),
    })
    .optional(),
  /** Of `unavailable`: why nothing was compared. */
  reason: unavailableSchema.optional(),
  /** The first of them; `more` says how many there are beyond. */
  differences: z.array(differenceSchema).max(100).optional(),
  more: z.int().positive().optional(),
  /** What was not compared, by name: never skipped in silence. */
  not_compared: z
    .array(z.strictObject({ what: name, reason: unavailableSchema }))
    .max(100)
    .optional(),
  more_not_compared: z.int().positive().optional(),
});
export type FidelityRecord = z.infer<typeof fidelitySchema>;
