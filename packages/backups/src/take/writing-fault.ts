import { errnoOf, isMusterError, MusterError } from '@muster/core';

/** What a failure to write into a directory means to a take. */
function writingFault(location: string, error: unknown): unknown {
  if (isMusterError(error)) return error;
  const code = errnoOf(error);
  if (code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new MusterError(
      'no_space',
      `There is no room left for a backup in ${location} (${code}): free some, or let fewer be kept (take.retain). Nothing was left of it.`,
      { cause: error },
    );
  }
  return new MusterError('take_unwritable', `No backup can be written to ${location}: ${adviceFor(code)}.`, {
    cause: error,
  });
}

function adviceFor(code: string): string {
  if (code === 'ENOENT') return 'there is no such directory; see whether its volume is mounted, or make it';
  if (code === 'EACCES' || code === 'EPERM') return `${code}; let the user who runs Muster write there`;
  if (code === 'EROFS') return 'it is read-only (EROFS); mount it so that it can be written to';
  if (code === 'ENOTDIR') return 'it is no directory; correct backup.location of the source';
  return `${code}; see to its disk`;
}

/** `work`, its failures as what they mean. */
export async function writing<T>(location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw writingFault(location, error);
  }
}
