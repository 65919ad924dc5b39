import type { Document } from 'bson';
import { NotBson, toBson } from './extended-json.js';

/** What a `summary_find` asks, as the driver is told it. */
export type MongoQuestion =
  | { readonly kind: 'list_collections'; readonly database: string }
  | {
      readonly kind: 'aggregate';
      readonly database: string;
      readonly collection: string;
      readonly pipeline: readonly Document[];
      /** The row of a pipeline that yields nothing: a count of nothing is 0. */
      readonly counts: boolean;
    };

/** Stages that write. They may only stand in a pipeline's own list, never in one within it. */
const WRITING = ['$out', '$merge'];

/**
 * Reads the mapping, whose shape the configuration has made sure of. A count is what `countDocuments` of the drivers
 * asks. https://github.com/mongodb/specifications/blob/master/source/crud/crud.md#count-api-details
 * @throws {NotBson}
 */
export function questionOf(summaryFind: ReadonlyMap<string, unknown>): MongoQuestion {
  const database = text(summaryFind, 'database');
  if (summaryFind.get('list_collections') === true) return { kind: 'list_collections', database };
  const collection = text(summaryFind, 'collection');
  const stages = summaryFind.get('aggregate');
  if (Array.isArray(stages))
    return { kind: 'aggregate', database, collection, pipeline: stages.map(document), counts: false };
  const filter = document(summaryFind.get('filter'));
  const pipeline = [{ $match: filter }, { $group: { _id: 1, n: { $sum: 1 } } }];
  return { kind: 'aggregate', database, collection, pipeline, counts: true };
}

/** The first stage of a question that would write. */
export function writingStage(question: MongoQuestion): string | undefined {
  if (question.kind !== 'aggregate') return undefined;
  return WRITING.find((name) => question.pipeline.some((stage) => stage instanceof Map && stage.has(name)));
}

function text(summaryFind: ReadonlyMap<string, unknown>, key: string): string {
  const value = summaryFind.get(key);
  if (typeof value === 'string') return value;
  throw new NotBson(`summary_find has no ${key}.`);
}

function document(value: unknown): Document {
  const converted = toBson(value);
  if (converted instanceof Map) return converted;
  throw new NotBson('A filter, and each stage of an aggregate, is a mapping.');
}
