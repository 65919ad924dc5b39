import { type BackupRecord, backupRecordSchema, errnoOf, MOST_RECORD_BYTES, unreadable } from '@muster/core';
import { readBeginning } from '@muster/engines';
import { readPart, type S3Object } from '@muster/s3';
import { reading, type S3Place } from '../s3-place.js';

/** The bytes beside a backup as its record. */
function readRecord(bytes: Uint8Array): BackupRecord | 'unreadable' {
  try {
    return backupRecordSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return 'unreadable';
  }
}

/** @param path - of the record. @throws `backup_unreadable`; a file that is absent is a fault of the operating system. */
export async function recordAt(path: string, signal: AbortSignal): Promise<BackupRecord | 'unreadable'> {
  try {
    const bytes = await readBeginning(path, MOST_RECORD_BYTES + 1, signal);
    return bytes === undefined || bytes.length > MOST_RECORD_BYTES ? 'unreadable' : readRecord(bytes);
  } catch (error) {
    signal.throwIfAborted();
    throw errnoOf(error) === 'ENOENT' ? error : unreadable(path, error);
  }
}

/** @param object - the record, as it was listed. @throws `backup_unreadable`, `credentials_refused`. */
export async function recordInS3(
  place: S3Place,
  object: S3Object,
  signal: AbortSignal,
): Promise<BackupRecord | 'unreadable'> {
  if (object.sizeBytes > MOST_RECORD_BYTES) return 'unreadable';
  const { bucket, root, send, location } = place;
  return readRecord(
    await reading(`${location}/${object.key.slice(root.length)}`, () =>
      readPart(send, { ...object, bucket }, 0, MOST_RECORD_BYTES, signal),
    ),
  );
}
