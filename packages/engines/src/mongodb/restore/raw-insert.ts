import type { Db, Document } from 'mongodb';
import { documentSequence } from '../server/driver.js';

export interface InsertAnswer {
  readonly inserted: number;
  /** Code of the first document that was refused. */
  readonly refused?: number;
}

/**
 * Inserts documents as they are, in their order, up to the first that is refused.
 * `flags`: further fields of the command.
 */
export async function insertRaw(
  db: Db,
  collection: string,
  documents: readonly Uint8Array[],
  flags: Document,
): Promise<InsertAnswer> {
  const sequence = documentSequence('documents');
  for (const bytes of documents) sequence.push({}, bytes);
  const answer = await db.command({ insert: collection, documents: sequence, ordered: true, ...flags });
  const [first]: readonly Document[] = answer['writeErrors'] ?? [];
  return {
    inserted: Number(answer['n']),
    ...(first === undefined ? {} : { refused: Number(first['code']) }),
  };
}
