const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** How long a job that failed waits, in ms: 1 s, then twice as long each time, 30 s at the most. */
export function retryDelay(attemptsMade: number): number {
  return Math.min(FIRST_MS * 2 ** Math.min(attemptsMade - 1, 10), LONGEST_MS);
}

/** Options of a job that is tried until it is done, in the rhythm of {@link retryDelay}. */
export const UNTIL_DONE = {
  attempts: 1_000_000_000,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: false,
} as const;
