import { z } from 'zod';
import { backupRecordSchema } from './backup-record.js';
import { drillTime } from './ids.js';
import { REASON_CODES } from './reason.js';
import { type Predicate, predicateSchema } from './statement.js';
import { wellFormed } from './well-formed.js';

const text = wellFormed.min(1);
const timestamp = z.iso.datetime({ precision: 3, offset: false });
const { backup, drill_id, result } = predicateSchema.shape;
const { created_at, created_at_from, format, tool_version, server_version } = backup.unwrap().shape;

/** More are counted, and not told one by one. */
export const MOST_CATALOGUED = 1_000;

/** The last drill of one backup. */
export const lastDrillSchema = z.strictObject({
  id: drill_id,
  result,
  reason: z.enum(REASON_CODES).optional(),
  substitute: z.literal(true).optional(),
  asked_at: timestamp,
});
export type LastDrill = z.infer<typeof lastDrillSchema>;

/** One backup that is there. */
export const catalogueEntrySchema = z.strictObject({
  id: text,
  location: text,
  created_at: created_at.unwrap(),
  created_at_from: created_at_from.unwrap().describe('What that is known from.'),
  size_bytes: z.int().nonnegative().optional(),
  format: format.describe('Absent where its head could not be read, or was not looked at.'),
  tool_version,
  server_version,
  state: z.enum(['whole', 'writing']).describe('writing: it is not whole yet.'),
  origin: z
    .enum(['muster', 'described', 'other', 'unknown'])
    .describe(
      'muster: the record beside it says that Muster took it. described: Muster only wrote what it is. other: there is no record of it. unknown: nobody looked, or nobody can tell.',
    ),
  sha256: backup.unwrap().shape.sha256.describe('As the record beside it has it.'),
  take: backupRecordSchema.shape.take,
  fidelity: z.enum(['counts', 'full']).optional().describe('What was recorded of its database.'),
  set: z
    .strictObject({
      chain: z.array(text).describe('The sets that it needs, the full one first.'),
      wal: z.strictObject({ archive: text, start: text, stop: text }).optional(),
      has_page_errors: z.literal(true).optional(),
    })
    .optional()
    .describe('Of a set of pgBackRest.'),
});
export type CatalogueEntry = z.infer<typeof catalogueEntrySchema>;

/** The backups of one source, as one machine saw them. */
export const catalogueSchema = z.strictObject({
  at: timestamp.describe('When it was looked.'),
  host: text.describe('Where.'),
  worker: text.optional(),
  location: text.optional().describe('Absent of a source that is dumped live: nothing of it is kept.'),
  backups: z.array(catalogueEntrySchema).max(MOST_CATALOGUED).describe('Newest first.'),
  count: z.int().nonnegative().describe('How many there are, those that are not told included.'),
  reason: z
    .enum(REASON_CODES)
    .optional()
    .describe('Why nothing could be listed: what a drill would end with.'),
});
export type Catalogue = z.infer<typeof catalogueSchema>;

/** What a receipt says of the drill of its backup. */
export function lastDrill({ drill_id: id, result, reason, environment }: Predicate): LastDrill {
  return {
    id,
    result,
    ...(reason && { reason }),
    ...(environment.substitute && { substitute: true as const }),
    asked_at: drillTime(id).toISOString(),
  };
}

/** Whether a receipt is of this very backup: another file may have had its name. */
export const isDrillOf = (
  { backup }: Pick<Predicate, 'backup'>,
  { id, sha256 }: Pick<CatalogueEntry, 'id' | 'sha256'>,
): boolean =>
  backup?.id === id && (sha256 === undefined || backup.sha256 === undefined || backup.sha256 === sha256);
