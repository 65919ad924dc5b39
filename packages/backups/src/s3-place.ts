import { isMusterError, MusterError, s3Location } from '@muster/core';
import { backupChanged } from '@muster/engines';
import {
  createS3Requests,
  type S3Called,
  type S3Connection,
  S3Failure,
  type S3Patience,
  type S3Send,
  type S3Timing,
  settingsUnder,
} from '@muster/s3';

/** Backups in object storage, and how they are asked for. */
export interface S3Place {
  /** For people: `s3://bucket/prefix`. */
  readonly location: string;
  readonly bucket: string;
  /** Of all keys; empty or with a slash at its end. */
  readonly root: string;
  readonly send: S3Send;
  readonly patience: S3Patience;
}

/** How patient reading is. Absent = as below. */
export interface S3Bounds extends S3Patience {
  readonly timing: S3Timing;
}

const BOUNDS: S3Bounds = {
  timing: { attempt: 15_000, backoff: [200, 1_000, 3_000] },
  stall: 60_000,
  again: [500, 2_000, 5_000, 15_000, 30_000],
};

const CALLED: S3Called = {
  settings: settingsUnder('backup.s3'),
  location: 'backup.location',
  permissions: 'docs/backups.md',
};

export function s3Place(
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  connection: S3Connection,
  { timing, ...patience }: S3Bounds = BOUNDS,
  called: S3Called = CALLED,
): S3Place {
  return {
    location: s3Location({ bucket, prefix }),
    bucket,
    root: prefix === '' ? '' : `${prefix}/`,
    send: createS3Requests({ ...connection, ownChecksums: true }, called, timing),
    patience,
  };
}

/** What a failure of the storage means to a drill. `what`: a location. */
export function backupFault(what: string, error: unknown): unknown {
  if (isMusterError(error) || !(error instanceof S3Failure)) return error;
  const { kind, advice } = error.fault;
  if (kind === 'taken') return backupChanged();
  if (kind === 'absent') {
    return new MusterError(
      'backup_changed',
      `The backup ${what} was removed after it had been listed: keep backups for longer than a drill of them takes.`,
      { cause: error },
    );
  }
  const denied = kind === 'credentials' || kind === 'denied';
  const code = /archive storage class/.test(advice)
    ? 'backup_archived'
    : denied
      ? 'credentials_refused'
      : 'backup_unreadable';
  return new MusterError(code, `${what} could not be read: ${advice}.`, { cause: error });
}

/** `work`, its failures of the storage as what they mean. */
export async function reading<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw backupFault(what, error);
  }
}
