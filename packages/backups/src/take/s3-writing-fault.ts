import { isMusterError, MusterError } from '@muster/core';
import { S3Failure } from '@muster/s3';

const NO_ROOM = /StorageFull|QuotaExceeded|InsufficientStorage|\b507\b/i;

/** `work`, its failures of the storage as what they mean to a take. */
export async function writingObjects<T>(location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isMusterError(error) || !(error instanceof S3Failure)) throw error;
    const { kind, advice } = error.fault;
    const denied = kind === 'denied' || kind === 'credentials';
    if (kind === 'taken') {
      throw new MusterError(
        'take_exists',
        `While the backup was written, something else was given its name in ${location}: it stays, and the backup was left out. Take it again.`,
        { cause: error },
      );
    }
    if (NO_ROOM.test(advice)) {
      throw new MusterError(
        'no_space',
        `There is no room left for a backup in ${location}: free some, raise its quota, or let fewer be kept (take.retain).`,
        { cause: error },
      );
    }
    const remedy =
      kind === 'unsupported'
        ? `${advice}. Without conditional writes (If-None-Match) nothing is surely never overwritten: choose another server`
        : advice;
    throw new MusterError(
      denied ? 'credentials_refused' : 'take_unwritable',
      `No backup can be written to ${location}: ${remedy}.`,
      { cause: error },
    );
  }
}
