import { MusterError } from '@muster/core';
import { z } from 'zod';
import type { InfoFile } from './info-file.js';

/** The newest form of a repository that is known: that of every pgBackRest since 2.0. */
const KNOWN_FORMAT = 5;

const seconds = z.int().nonnegative();
const bytes = z.int().nonnegative();
const segment = z.string().regex(/^[0-9A-F]{24}$/);

/** A set in `[backup:current]`. What is not read here may be there too: keys come with versions. */
const setSchema = z.object({
  'backrest-version': z.string(),
  'backup-type': z.enum(['full', 'diff', 'incr']),
  'backup-prior': z.string().nullish(),
  'backup-timestamp-start': seconds,
  'backup-timestamp-stop': seconds,
  'backup-archive-start': segment.nullish(),
  'backup-archive-stop': segment.nullish(),
  'backup-lsn-stop': z
    .string()
    .regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/)
    .nullish(),
  // Pages of the cluster that did not fit their checksum when they were copied.
  'backup-error': z.boolean().nullish(),
  'backup-annotation': z.record(z.string(), z.string()).nullish(),
  'backup-info-size': bytes,
  // Not known of sets with block incrementals.
  'backup-info-repo-size': bytes.nullish(),
  'db-id': z.int(),
});

const historySchema = z.object({
  'db-version': z.string().regex(/^\d+(\.\d+)?$/),
  // Of 64 bits: a double has only its first digits, which differ enough.
  'db-system-id': z.number(),
});

/** The annotation by which a set says which take of Muster made it: its id. */
export const TAKE_ANNOTATION = 'muster-take';

/** The name of a set: of a full one, and of what was made after it. */
export const LABEL = /^\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?$/;

export interface BackupSet {
  readonly label: string;
  readonly type: 'full' | 'diff' | 'incr';
  readonly prior?: string;
  readonly toolVersion: string;
  readonly stoppedAt: Date;
  /** Of the whole set in the repository; of the restored cluster where that is not known. */
  readonly sizeBytes: number;
  readonly wal?: { readonly start: string; readonly stop: string };
  /** Where in WAL it became whole; not known of sets of old versions of pgBackRest. */
  readonly stopLsn?: string;
  readonly hasPageErrors: boolean;
  /** Of one that a take of Muster made, if pgBackRest could note it. */
  readonly takeId?: string;
  /** As pgBackRest names it: `17`, `9.6`. */
  readonly serverVersion: string;
  readonly archiveId: string;
  /** PostgreSQL's own name for the cluster, as near as a double comes to it. */
  readonly systemId: number;
}

/** What opens the manifests of its sets: a passphrase of their own, in a `backup.info` that is encrypted. */
export function manifestPassphrase(info: InfoFile): string | undefined {
  const passphrase = info.get('cipher')?.get('cipher-pass');
  return typeof passphrase === 'string' ? passphrase : undefined;
}

/** The sets that `backup.info` lists. @throws `unsupported_dump`, `corrupt` */
export function setsOf(info: InfoFile, name: string): readonly BackupSet[] {
  const head = info.get('backrest');
  const format = head?.get('backrest-format');
  if (typeof format === 'number' && format > KNOWN_FORMAT) {
    throw new MusterError(
      'unsupported_dump',
      `${name} was written by pgBackRest ${String(head?.get('backrest-version'))}, in a form (${format}) newer than the one that is known (${KNOWN_FORMAT}): update Muster.`,
    );
  }
  const history = info.get('db:history') ?? new Map<string, unknown>();
  return [...(info.get('backup:current') ?? [])].map(([label, value]) => {
    const set = setSchema.safeParse(value).data;
    const cluster = set && historySchema.safeParse(history.get(String(set['db-id']))).data;
    if (set === undefined || cluster === undefined || !LABEL.test(label)) {
      throw new MusterError(
        'corrupt',
        `${name} says of the backup set ${JSON.stringify(label)} what cannot be read. See what \`pgbackrest info\` says.`,
      );
    }
    const { 'db-version': version, 'db-system-id': systemId } = cluster;
    const { 'backup-archive-start': start, 'backup-archive-stop': stop, 'backup-prior': prior } = set;
    const { 'backup-lsn-stop': stopLsn } = set;
    const takeId = set['backup-annotation']?.[TAKE_ANNOTATION];
    return {
      label,
      type: set['backup-type'],
      ...(prior && { prior }),
      toolVersion: set['backrest-version'],
      stoppedAt: new Date(set['backup-timestamp-stop'] * 1000),
      sizeBytes: set['backup-info-repo-size'] ?? set['backup-info-size'],
      ...(start && stop && { wal: { start, stop } }),
      ...(stopLsn && { stopLsn }),
      hasPageErrors: set['backup-error'] === true,
      ...(takeId !== undefined && { takeId }),
      serverVersion: version,
      archiveId: `${version}-${set['db-id']}`,
      systemId,
    };
  });
}
