import { createRequire } from 'node:module';
import type { Document, MongoServerError } from 'mongodb';

const require = createRequire(import.meta.url);

/** MongoDB's driver, loaded by who first needs it: most commands do not, and it takes longer than all else of them. */
export const driver = (): typeof import('mongodb') => require('mongodb');

/** What a server answered with. */
export const isServerError = (error: unknown): error is MongoServerError =>
  error instanceof driver().MongoServerError;

interface DocumentSequence {
  push(document: Document, bytes: Uint8Array): number;
}

/**
 * The driver's own document sequence of OP_MSG. It is not part of its face, but nothing there takes documents that are
 * BSON already: they would be parsed and written anew, and not come back equal byte by byte.
 */
export const documentSequence = (field: string): DocumentSequence => {
  const commands = require('mongodb/lib/cmap/commands.js') as {
    readonly DocumentSequence: new (field: string) => DocumentSequence;
  };
  return new commands.DocumentSequence(field);
};
