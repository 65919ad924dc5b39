import { type BackupRecord, backupRecordSchema } from '@muster/core';

/** The bytes beside a backup as its record. */
export function readRecord(bytes: Uint8Array): BackupRecord | 'unreadable' {
  try {
    return backupRecordSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return 'unreadable';
  }
}
