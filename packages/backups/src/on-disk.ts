import { errnoOf, MusterError } from '@muster/core';

/** `work`, which writes what was fetched; its failures as what they mean. @throws `scratch_disk_full`, `launch_failed`. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = errnoOf(cause);
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new MusterError(
      full ? 'scratch_disk_full' : 'launch_failed',
      full
        ? 'There is no room on the worker for what must be fetched: free some in its state directory.'
        : `What must be fetched could not be written on the worker (${code ?? 'unknown fault'}): look at its state directory.`,
      { cause },
    );
  }
}
