import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WatchedDirectory {
  readonly path: string;
  readonly limitBytes: number;
  /** Over its limit too if its disk has less than this left: others live there. */
  readonly leaveBytes?: number;
}

const PAUSE_MS = 200;

/**
 * Measures directories again and again until one is over its limit, and resolves with it; resolves with undefined when
 * the signal aborts. What is written between two looks, and files that are open but unlinked, escape the sum (the latter
 * not the look at what is left): a watched limit is a safeguard and is never claimed to hold.
 */
export async function watchDisk(
  directories: readonly WatchedDirectory[],
  signal: AbortSignal,
): Promise<WatchedDirectory | undefined> {
  while (!signal.aborted) {
    const began = Date.now();
    const over = await findOverLimit(directories);
    if (over !== undefined) return over;
    // Never more than a tenth of the time for looking, however many files there are.
    const pause = Math.max(PAUSE_MS, 9 * (Date.now() - began));
    await sleep(pause, undefined, { signal, ref: false }).catch(() => {});
  }
  return undefined;
}

async function findOverLimit(
  directories: readonly WatchedDirectory[],
): Promise<WatchedDirectory | undefined> {
  for (const directory of directories) {
    if ((await diskUsage(directory.path)) > directory.limitBytes) return directory;
    if ((await freeBytes(directory.path)) < (directory.leaveBytes ?? 0)) return directory;
  }
  return undefined;
}

const freeBytes = (path: string): Promise<number> =>
  statfs(path).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.POSITIVE_INFINITY,
  );

/** Bytes on disk, links counted once and none followed; 0 if it cannot be measured. */
export function diskUsage(path: string): Promise<number> {
  return new Promise((resolve) => {
    // Files vanish while it looks: it says so, exits 1, and its sum is right all the same.
    execFile('du', ['-skx', '--', path], { timeout: 30_000, maxBuffer: 16 * 1024 * 1024 }, (_error, stdout) =>
      resolve(1024 * (Number.parseInt(stdout, 10) || 0)),
    );
  });
}
