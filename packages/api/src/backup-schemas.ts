import { catalogueEntrySchema, catalogueSchema, lastDrillSchema, wellFormed } from '@muster/core';
import { z } from 'zod';
import { slug } from './schemas.js';

/** What requests and answers about backups hold. */

export const backupListQuery = z.strictObject({
  source: slug,
  cursor: wellFormed.min(1).max(1_000).optional().describe('next_cursor of the page before.'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export const backupSchema = catalogueEntrySchema.extend({
  last_drill: lastDrillSchema.optional().describe('Of the last 500 of its source; absent where none is.'),
});

const { at, host, worker, location, count, reason } = catalogueSchema.partial({
  at: true,
  host: true,
  count: true,
}).shape;

export const backupListSchema = z.strictObject({
  ...{ at, host, worker, location, count, reason },
  source: z.string(),
  type: z.enum(['live', 'dump', 'pgbackrest']).describe('live: nothing is kept.'),
  backups: z.array(backupSchema).optional().describe('Newest first; absent where nobody knows.'),
  next_cursor: z.string().optional().describe('There is another page.'),
  unknown: z.string().optional().describe('Why nobody knows.'),
});
