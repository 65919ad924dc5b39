import { MusterError } from '@muster/core';
import { readingError } from '../../bytes/feed.js';
import { lossOf, scratchLoss } from '../../restore/scratch-loss.js';
import { isServerError } from '../server/driver.js';
import type { RunningMongod } from '../server/mongod.js';

/** OutOfDiskSpace. */
const DISK_FULL = 14031;

/** What a fault of a restore through our own connection means. */
export async function restoreError(
  server: RunningMongod,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted) return new MusterError('cancelled', 'The restore was cancelled.', { cause: error });
  if (error instanceof MusterError && !isServerError(error.cause)) return error;
  const cause = error instanceof MusterError ? error.cause : error;
  const loss = await lossOf(server);
  const isFull = isServerError(cause) && Number(cause.code) === DISK_FULL;
  const told = [loss?.reason, isFull && 'scratch_disk_full', server.lost.aborted && 'scratch_lost'] as const;
  const lost = scratchLoss(told, error);
  if (lost !== undefined) return lost;
  if (error instanceof MusterError) return error;
  if (isServerError(error)) {
    return new MusterError(
      'restore_failed',
      `The server refused the restore (code ${Number(error.code)}). On its worker, \`muster drill show ID --output\` has its words.`,
      { cause: error, output: error.message },
    );
  }
  return error instanceof Error && error.name.startsWith('Mongo')
    ? new MusterError('scratch_lost', 'The server in the scratch did not answer while it restored.', {
        cause: error,
      })
    : readingError(error);
}
