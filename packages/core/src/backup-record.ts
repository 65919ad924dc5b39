import { ulid } from 'ulid';
import { z } from 'zod';
import { fidelityManifestSchema } from './fidelity.js';
import { wellFormed } from './well-formed.js';

/** `tak_` and a ULID: one taking of a backup. */
export const TAKE_ID = /^tak_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export const newTakeId = (now: Date, random?: () => number): string => `tak_${ulid(now.getTime(), random)}`;

const timestamp = z.iso.datetime({ precision: 3, offset: false });

/** What the file beside a backup is called: `shop_20261121T000000Z.dump` + this. */
export const RECORD_SUFFIX = '.muster.json';

/** The largest record that is read. */
export const MOST_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * What Muster writes beside a backup that it took, or that it was asked to describe (`muster backup manifest`): which
 * bytes these are, whose, and what its database was. Bound to the backup by its digest. It proves that a backup is
 * Muster's own: nothing without it is ever pruned. It holds no data and no secret.
 */
export const backupRecordSchema = z.strictObject({
  type: z.literal('urn:muster:backup:v1'),
  source: z.strictObject({ slug: z.string().regex(/^[a-z0-9-]+$/), kind: z.enum(['postgres', 'mongodb']) }),
  backup: z.strictObject({
    /** Its name in the place: file, or directory. */
    id: wellFormed.min(1).max(300),
    /** Of the bytes as they lie there (encrypted ones included); of a directory: of the sorted `sha256sum` lines of its files. */
    sha256: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    size_bytes: z.int().nonnegative(),
    format: z.string().max(64),
    tool_version: z.string().max(64).optional(),
    server_version: z.string().max(64).optional(),
  }),
  /** Absent where Muster did not take it, and only described it: then it is not Muster's own. */
  take: z
    .strictObject({
      id: z.string().regex(TAKE_ID),
      trigger: z.strictObject({
        kind: z.enum(['schedule', 'api', 'cli', 'rehearsal']),
        schedule: wellFormed.optional(),
        scheduled_for: timestamp.optional(),
      }),
      started_at: timestamp,
      ended_at: timestamp,
      muster_version: wellFormed,
    })
    .optional(),
  fidelity: fidelityManifestSchema.optional(),
});
export type BackupRecord = z.infer<typeof backupRecordSchema>;
