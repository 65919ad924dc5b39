import type { CheckReason } from './reason.js';

/** What a drill, or one check, came to. */
export type Verdict = 'pass' | 'fail' | 'error';

/** `not_run`: the drill ended before it; never counted as a pass (law 4). */
export type CheckVerdict = Verdict | 'not_run';

/** Why a drill fails for its checks: what was not as it must be comes before what was there too early. */
export function failedReason(
  checks: readonly { readonly verdict: CheckVerdict; readonly reason?: CheckReason | undefined }[],
): 'check_failed' | 'not_absent' | undefined {
  const failed = checks.filter(({ verdict }) => verdict === 'fail');
  if (failed.length === 0) return undefined;
  return failed.every(({ reason }) => reason === 'not_absent') ? 'not_absent' : 'check_failed';
}

/**
 * The roll-up of the checks of one drill (checks.md): any `fail` wins, then any `error` or `not_run`, else `pass`.
 * An empty list is a pass: only a source that says `restore_only: true` has no checks.
 */
export function rollUp(verdicts: readonly CheckVerdict[]): Verdict {
  if (verdicts.includes('fail')) return 'fail';
  if (verdicts.some((verdict) => verdict !== 'pass')) return 'error';
  return 'pass';
}
