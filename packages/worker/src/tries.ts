import { type Attempt, isReason, REASONS, type Statement } from '@muster/core';

/** How often a fault of the infrastructure is met before it is what the receipt says. */
export const MOST_TRIES = 3;
/** How long to wait after the first and the second such fault, in ms. */
const WAIT_MS = [30_000, 120_000] as const;

/** Tries that count: one that was given back did not use any up. */
export function triesOf(attempts: readonly Attempt[]): number {
  return attempts.filter(({ outcome }) => outcome !== 'returned').length;
}

/** In how many ms to try again after this statement; undefined where it is the last word. */
export function againAfter(
  { predicate: { result, reason } }: Statement,
  earlier: readonly Attempt[],
): number | undefined {
  if (result !== 'error' || reason === undefined || !isReason(reason) || !REASONS[reason].retryable)
    return undefined;
  return waitAfter(earlier);
}

/** In how many ms to try again after a try that those came before; undefined where it was the last. */
export function waitAfter(earlier: readonly Attempt[]): number | undefined {
  return waitAfterTry(triesOf(earlier) + 1);
}

/** The same, by which try it was, from 1 on. */
export const waitAfterTry = (number: number): number | undefined =>
  number < MOST_TRIES ? WAIT_MS[Math.min(number, WAIT_MS.length) - 1] : undefined;

/** Why a drill ended whose tries are used up and came to no receipt: they failed here, or their workers died. */
export function endOf(attempts: readonly Attempt[]): 'internal_error' | 'worker_lost' {
  const last = attempts.findLast(({ outcome }) => outcome !== 'returned');
  return last?.reason === 'internal_error' ? 'internal_error' : 'worker_lost';
}
