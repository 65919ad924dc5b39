import { createRequire } from 'node:module';
import type { Db, Document } from 'mongodb';

interface Sequence {
  push(document: Document, bytes: Uint8Array): number;
}

/**
 * The driver's own document sequence of OP_MSG. It is not part of its face, but nothing there takes documents that are
 * BSON already: they would be parsed and written anew, and not come back equal byte by byte.
 */
const { DocumentSequence } = createRequire(import.meta.url)('mongodb/lib/cmap/commands.js') as {
  readonly DocumentSequence: new (field: string) => Sequence;
};

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
  const sequence = new DocumentSequence('documents');
  for (const bytes of documents) sequence.push({}, bytes);
  const answer = await db.command({ insert: collection, documents: sequence, ordered: true, ...flags });
  const [first]: readonly Document[] = answer['writeErrors'] ?? [];
  return {
    inserted: Number(answer['n']),
    ...(first === undefined ? {} : { refused: Number(first['code']) }),
  };
}
